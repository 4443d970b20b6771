using System.Collections.Concurrent;

namespace AlloyScan.SampleSite;

/// <summary>What a new device has to do with one that was there before.</summary>
internal readonly record struct Succession(int Former, SampleOrigin Origin)
{
    /// <summary>Whether both devices are one machine.</summary>
    public bool IsSameMachine => Origin is not (SampleOrigin.NameReused or SampleOrigin.AdapterReused);
}

/// <summary>When a device that has a successor is last heard of.</summary>
/// <param name="Silent">From this day on it is not seen any more.</param>
/// <param name="Removed">From this day on it is not in the list any more.</param>
internal readonly record struct Leaving(int Silent, int Removed);

/// <summary>
/// Which new device follows which old one, in a fleet with <see cref="SampleDoubts"/>. A day's arrivals are worked out once and
/// kept, each by a hash of its own; nothing else is stored, and a fleet without doubts has none of it.
/// </summary>
internal sealed class Successions(SampleSiteOptions options, FleetCalendar calendar, DeviceHistory history)
{
    private const int Tries = 12;

    private readonly ulong _reimaged = Hash.Threshold(0.2);
    private readonly ulong[] _bands = Bands(options.Doubts);
    private readonly ConcurrentDictionary<int, Succession> _successors = new();
    private readonly ConcurrentDictionary<int, Leaving> _leavers = new();
    private readonly List<(int Index, int Day)> _removals = [];
    private readonly Lock _lock = new();
    private List<int>? _drawers;
    private volatile int _built;

    /// <summary>What the device follows, if anything.</summary>
    public bool TryGetFormer(int index, int bornOn, out Succession succession)
    {
        Build(bornOn);
        return _successors.TryGetValue(index, out succession);
    }

    /// <summary>The day from which on the device is not seen any more, as far as is known on a day.</summary>
    public int SilentFrom(int index, int day)
    {
        Build(day);
        return _leavers.TryGetValue(index, out var leaving) ? leaving.Silent : int.MaxValue;
    }

    /// <summary>Whether a successor has put the device out of the list by a day.</summary>
    public bool IsRemoved(int index, int day)
    {
        Build(day);
        return _leavers.TryGetValue(index, out var leaving) && leaving.Removed <= day;
    }

    /// <summary>The devices that successors have put out of the list by a day.</summary>
    public List<int> RemovedBy(int day)
    {
        Build(day);
        lock (_lock)
            return _removals.FindAll(r => r.Day <= day).ConvertAll(r => r.Index);
    }

    private void Build(int day)
    {
        if (day <= _built)
            return;

        lock (_lock)
        {
            while (_built < day)
            {
                BuildDay(_built + 1);
                _built++;
            }
        }
    }

    private void BuildDay(int day)
    {
        // Whoever goes on this day can be followed, unless a successor came earlier.
        var gone = calendar.GoneOn(day).Where(index => !_leavers.ContainsKey(index)).ToList();
        for (int first = calendar.Born(day - 1), index = first; index < calendar.Born(day); index++)
        {
            var key = history.KeyOf(index);
            if (Hash.Chance(Hash.Of(key, Trait.Reimage), _reimaged))
            {
                if (TryTake(gone, former => history.MachineAt(former).IsPhysicalComputer) is { } former)
                {
                    _successors[index] = new Succession(former, SampleOrigin.Reimaged);
                    _leavers[former] = new Leaving(day, day);
                    continue;
                }
            }

            var hash = Hash.Of(key, Trait.Succession);
            switch (Array.FindIndex(_bands, band => (uint)hash < band))
            {
                case 0 when Listed(hash, day) is { } former:
                    Follow(index, former, SampleOrigin.ReimagedBeside, day, day + 2 + Hash.Pick(Hash.Of(hash, Trait.Removal), 3));
                    break;
                case 1 when OutOfDrawer(hash, day) is { } former:
                    Follow(index, former, SampleOrigin.ReimagedStale, 1, int.MaxValue);
                    break;
                case 2 when Listed(hash, day) is { } former:
                    Follow(index, former, SampleOrigin.BoardReplaced, day, day + (Hash.Pick(Hash.Of(hash, Trait.Removal), 2) * 3));
                    break;
                case 3 when Listed(hash, day) is { } former:
                    _successors[index] = new Succession(former, SampleOrigin.SecondRow);
                    break;
                case 4 when history.OwnMachineAt(index) is { Form: not Form.VirtualMachine and not Form.Hypervisor } own
                    && TryTake(gone, former => history.MachineAt(former) is var other && other.IsPhysicalComputer == own.IsPhysicalComputer && other.Form is not (Form.VirtualMachine or Form.Hypervisor)) is { } former:
                    _successors[index] = new Succession(former, own.IsComputer ? SampleOrigin.NameReused : SampleOrigin.AdapterReused);
                    _leavers[former] = new Leaving(day, day);
                    break;
            }
        }
    }

    private void Follow(int index, int former, SampleOrigin origin, int silent, int removed)
    {
        _successors[index] = new Succession(former, origin);
        _leavers[former] = new Leaving(silent, removed);
        if (removed < int.MaxValue)
            _removals.Add((former, removed));
    }

    private static int? TryTake(List<int> gone, Predicate<int> fits)
    {
        var place = gone.FindIndex(fits);
        if (place < 0)
            return null;

        var index = gone[place];
        gone.RemoveAt(place);
        return index;
    }

    /// <summary>A physical computer that is in the list, was before, and has no successor.</summary>
    private int? Listed(ulong hash, int day)
    {
        for (var i = 0; i < Tries; i++)
        {
            var index = Hash.Pick(Hash.Of(hash, Trait.SuccessionPick, i), calendar.Born(day - 1));
            if (calendar.IsListedWithoutSuccessions(index, day) && !_leavers.ContainsKey(index) && !history.IsInDrawer(index) && history.MachineAt(index).IsPhysicalComputer)
                return index;
        }

        return null;
    }

    private int? OutOfDrawer(ulong hash, int day)
    {
        _drawers ??= [.. Enumerable.Range(0, options.Devices).Where(index => history.IsInDrawer(index) && history.MachineAt(index).IsPhysicalComputer)];
        for (var i = 0; i < Tries && _drawers.Count > 0; i++)
        {
            var index = _drawers[Hash.Pick(Hash.Of(hash, Trait.SuccessionPick, i), _drawers.Count)];
            if (calendar.IsListedWithoutSuccessions(index, day) && !_leavers.ContainsKey(index))
                return index;
        }

        return null;
    }

    private static ulong[] Bands(SampleDoubts doubts)
    {
        double[] shares = [doubts.Reimages, doubts.StaleReimages, doubts.BoardReplacements, doubts.SecondRows, doubts.NameReuse];
        double sum = 0;
        return Array.ConvertAll(shares, share => Hash.Threshold(sum += share));
    }
}
