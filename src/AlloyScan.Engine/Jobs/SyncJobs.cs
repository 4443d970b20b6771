namespace AlloyScan.Engine.Jobs;

/// <summary>The sync jobs of a store.</summary>
public sealed class SyncJobs
{
    internal SyncJobs()
    {
    }

    /// <summary>Jobs by name, in order of name.</summary>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<SyncJob> List(string? namePattern = null) => throw new NotSupportedException();

    /// <summary>One job.</summary>
    /// <param name="name">Its name, without case.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>); the message lists those there are.</exception>
    public SyncJob Get(string name) => throw new NotSupportedException();

    /// <summary>Saves a new job. An empty name becomes the default name, numbered when it is taken; a secret in memory becomes protected.</summary>
    /// <param name="job">The job.</param>
    /// <returns>The job as saved.</returns>
    /// <exception cref="AlloyScanException">The name is taken (<c>JobExists</c>) or a setting is wrong (<c>InvalidJob</c>, <c>InsecureSiteUrl</c>, <c>ServiceActionNotFound</c>).</exception>
    public SyncJob Create(SyncJob job) => throw new NotSupportedException();

    /// <summary>Saves a changed job, found by <see cref="SyncJob.Id"/>; its name may have changed.</summary>
    /// <param name="job">The job.</param>
    /// <returns>The job as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Create"/>, and <c>JobNotFound</c>.</exception>
    public SyncJob Update(SyncJob job) => throw new NotSupportedException();

    /// <summary>Removes a job. Its CIs, links and runs stay.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>), or it is running (<c>JobRunning</c>).</exception>
    public void Remove(string name) => throw new NotSupportedException();

    /// <summary>The job that a saved plan belongs to.</summary>
    /// <param name="planId">Number of the plan.</param>
    /// <exception cref="AlloyScanException">There is no such plan (<c>PlanNotFound</c>).</exception>
    public SyncJob OfPlan(long planId) => throw new NotSupportedException();
}
