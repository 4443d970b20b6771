using System.Collections.Concurrent;

namespace AlloyScan.SampleSite;

/// <summary>
/// Which devices there are on which day. New devices take the next indexes; the day on which a device goes comes from one
/// hash. So only the indexes of gone devices are ever stored, and those only once a later day is asked for.
/// </summary>
internal sealed class FleetCalendar
{
    private const long ArrivalsPerMillion = 5000;
    private const double DepartureShare = 0.003;

    private readonly int _devices;
    private readonly ulong _key;
    private readonly long _arrivals;
    private readonly double[] _survival = new double[SampleFleet.MaxDay + 2];
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<int, FleetDay> _days = new();
    private int[][] _goneOn = [[]];

    public FleetCalendar(SampleSiteOptions options)
    {
        _devices = options.Devices;
        _key = Hash.Of((uint)options.Seed, Trait.Removal);
        _arrivals = (long)(ArrivalsPerMillion * options.ChangeRate);
        _survival[0] = 1;
        for (var day = 1; day < _survival.Length; day++)
            _survival[day] = _survival[day - 1] * (1 - Math.Min(1, DepartureShare * options.ChangeRate));
    }

    /// <summary>All indexes below this one belong to devices that have been there by this day.</summary>
    public int Born(int day) => (int)Math.Min(int.MaxValue, _devices + (_devices * _arrivals * day / 1_000_000));

    public int BornOn(int index)
    {
        if (index < _devices)
            return 0;

        var perDay = _devices * _arrivals;
        return perDay == 0 ? int.MaxValue : (int)(((((long)index - _devices + 1) * 1_000_000) + perDay - 1) / perDay);
    }

    /// <summary>Who follows whom; <see langword="null"/> in a fleet without doubts.</summary>
    public Successions? Successions { get; set; }

    /// <summary>Whether the device is in the list on this day.</summary>
    public bool IsListed(int index, int day) => IsListedWithoutSuccessions(index, day) && Successions?.IsRemoved(index, day) is not true;

    /// <summary>Whether the device would be in the list on this day if it had no successor.</summary>
    public bool IsListedWithoutSuccessions(int index, int day)
    {
        if (index < 0)
            return false;

        var born = BornOn(index);
        return born <= day && Draw(index) < _survival[day - born];
    }

    /// <summary>The devices that went on this day, by index; those that successors put out of the list are not among them.</summary>
    public int[] GoneOn(int day)
    {
        var gone = Volatile.Read(ref _goneOn);
        return day < gone.Length ? gone[day] : Extend(day)[day];
    }

    public FleetDay Day(int day) => _days.GetOrAdd(day, d =>
    {
        var gone = new List<int>();
        for (var earlier = d; earlier > 0; earlier--)
            gone.AddRange(GoneOn(earlier));

        if (Successions is not null)
            gone = [.. gone.Union(Successions.RemovedBy(d))];
        gone.Sort();
        return new FleetDay(Born(d), [.. gone]);
    });

    /// <summary>A number from 0 to 1 that says how long the device stays; exact in binary, so the same everywhere.</summary>
    private double Draw(int index) => (Hash.Mix(_key ^ (uint)index) >> 11) * (1.0 / (1L << 53));

    private int[][] Extend(int day)
    {
        lock (_lock)
        {
            if (day < _goneOn.Length)
                return _goneOn;

            // One pass over the fleet finds the departures of many days; passes get rarer as days go on.
            var horizon = Math.Min(SampleFleet.MaxDay, Math.Max(day * 2, 32));
            var lists = new List<int>[horizon + 1];
            for (var d = 0; d <= horizon; d++)
                lists[d] = [];

            for (int index = 0, all = Born(horizon); index < all; index++)
            {
                var born = BornOn(index);
                var draw = Draw(index);
                if (draw < _survival[horizon - born])
                    continue;

                // The first day whose survival is no longer above the draw.
                int low = 1, high = horizon - born;
                while (low < high)
                {
                    var middle = (low + high) / 2;
                    if (draw < _survival[middle])
                        low = middle + 1;
                    else
                        high = middle;
                }

                lists[born + low].Add(index);
            }

            var gone = Array.ConvertAll(lists, list => list.ToArray());
            Volatile.Write(ref _goneOn, gone);
            return gone;
        }
    }
}

/// <summary>The list of one day: a range of indexes with gaps.</summary>
internal sealed class FleetDay(int born, int[] gone)
{
    public int Count => born - gone.Length;

    public int Born => born;

    /// <summary>Indexes that are not in the list, ascending.</summary>
    public ReadOnlySpan<int> Gone => gone;

    public int IndexAt(int position) => IndexAt(position, gone);

    /// <summary>The same list with further gaps, which must be sorted and not among <see cref="Gone"/>.</summary>
    public FleetDay Without(ReadOnlySpan<int> further)
    {
        var all = new int[gone.Length + further.Length];
        gone.CopyTo(all, 0);
        further.CopyTo(all.AsSpan(gone.Length));
        Array.Sort(all);
        return new FleetDay(born, all);
    }

    private static int IndexAt(int position, int[] gone)
    {
        // gone[k] - k is how many listed devices stand before the k-th gap.
        int low = 0, high = gone.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (gone[middle] - middle <= position)
                low = middle + 1;
            else
                high = middle;
        }

        return position + low;
    }
}
