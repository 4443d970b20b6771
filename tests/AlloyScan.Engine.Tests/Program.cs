using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Tests;

/// <summary>What tests need a process of its own for and no program of ours does: an undo that can be killed.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args is not ["undo", var path, var run])
            return 64;

        using var store = AlloyStore.Open(StoreLocation.Resolve(path));
        store.Undo.Undo(long.Parse(run, System.Globalization.CultureInfo.InvariantCulture), rehearsal: false, _ => { }, default);
        return 0;
    }
}
