using System.Collections;
using AlloyScan.Engine.Store;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Completes from what is in the default store.</summary>
public abstract class StoreCompleter : Completer
{
    // A prompt that waits longer than this feels broken.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(400);

    /// <summary>Reads words from the store, or gives none when it cannot be read at once.</summary>
    /// <param name="boundParameters">What the user has typed so far.</param>
    /// <param name="read">Reads them.</param>
    private protected static IEnumerable<string> FromStore(IDictionary boundParameters, Func<AlloyStore, IEnumerable<string>> read)
    {
        // With another store the names of the default one would mislead, and its path is not resolved yet.
        if (boundParameters?.Contains("Store") == true)
            return [];

        var location = StoreLocation.Resolve();
        var reading = Task.Run(() =>
        {
            // Opening would make it.
            if (!AlloyStore.Exists(location))
                return [];

            using var store = AlloyStore.Open(location);
            return read(store).ToArray();
        });
        return ((IAsyncResult)reading).AsyncWaitHandle.WaitOne(s_patience) && reading.IsCompletedSuccessfully ? reading.Result : [];
    }
}
