using System.Collections;
using AlloyScan.Engine.Store;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of the jobs in the default store.</summary>
public sealed class JobNameCompleter : Completer
{
    // A prompt that waits longer than this feels broken.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(400);

    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters)
    {
        // With another store the names of the default one would mislead, and its path is not resolved yet.
        if (boundParameters?.Contains("Store") == true)
            return [];

        var location = StoreLocation.Resolve();
        // Opening would make the file.
        if (!File.Exists(location.Path))
            return [];

        var read = Task.Run(() =>
        {
            using var store = AlloyStore.Open(location);
            return store.Jobs.List().Select(job => job.Name).ToArray();
        });
        return ((IAsyncResult)read).AsyncWaitHandle.WaitOne(s_patience) && read.IsCompletedSuccessfully ? read.Result : [];
    }
}
