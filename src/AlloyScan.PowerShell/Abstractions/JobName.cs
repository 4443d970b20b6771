using AlloyScan.Engine.Jobs;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>
/// Names a job: by text or by the job itself. Unlike a string it is not made from any other object, so that a row of a plan
/// that comes from the pipeline is never taken for the name of a job.
/// </summary>
public sealed class JobName
{
    /// <summary>Names a job by text.</summary>
    /// <param name="name">The name.</param>
    public JobName(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <summary>Names a job by itself.</summary>
    /// <param name="job">The job.</param>
    public JobName(SyncJob job)
        : this((job ?? throw new ArgumentNullException(nameof(job))).Name)
    {
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
