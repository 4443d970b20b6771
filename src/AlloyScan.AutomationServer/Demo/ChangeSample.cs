using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Demo;

/// <summary>Counts the changes of a run and keeps a few of each kind, whatever their number.</summary>
internal sealed class ChangeSample
{
    private const int KeptOfEach = 10;
    private readonly SortedDictionary<ChangeAction, (int Count, List<SyncChange> First)> _byAction = [];

    /// <summary>All changes seen.</summary>
    public int Total { get; private set; }

    /// <summary>How many changes of each kind were seen.</summary>
    public IEnumerable<(ChangeAction Action, int Count)> Counts => _byAction.Select(a => (a.Key, a.Value.Count));

    /// <summary>Takes note of a change.</summary>
    /// <param name="change">The change.</param>
    public void Add(SyncChange change)
    {
        Total++;
        var (count, first) = _byAction.TryGetValue(change.Action, out var known) ? known : (0, []);
        if (first.Count < KeptOfEach)
            first.Add(change);

        _byAction[change.Action] = (count + 1, first);
    }

    /// <summary>Picks changes so that every kind is seen: one of each in turn, shown kind by kind.</summary>
    /// <param name="most">Most changes to pick.</param>
    public IReadOnlyList<SyncChange> Choose(int most) =>
        [.. _byAction.Values
            .SelectMany(a => a.First.Select((change, place) => (change, place)))
            .OrderBy(c => c.place)
            .Take(most)
            .OrderBy(c => c.change.Action)
            .ThenBy(c => c.place)
            .Select(c => c.change)];
}
