namespace AlloyScan.SampleSite;

/// <summary>A device on one day: what its events up to that day have made of it.</summary>
internal struct DeviceState
{
    public int Index;
    public int Day;
    public ulong Key;
    public Machine Machine;

    public int BornOn;

    /// <summary>Day of the last audit that found something else than the one before.</summary>
    public int ChangedOn;

    /// <summary>Day on which the device was last seen on the network.</summary>
    public int SeenOn;

    public SampleChange LastChange;
    public int Renames;
    public int UserChanges;
    public int MemoryUpgrades;
    public OperatingSystemRelease? System;
    public int SystemMonths;

    /// <summary>No <c>type</c> in the list.</summary>
    public bool Untyped;

    /// <summary>For hardware nobody knows a system for; for computers the system decides the software.</summary>
    public readonly bool HasSoftware => System is { Platform: not Platform.None };

    public readonly Platform Platform => System?.Platform ?? Platform.None;
}

/// <summary>Replays the events of a device.</summary>
internal sealed class DeviceHistory
{
    /// <summary>Sets the hashes of events apart from all others of a device; one hash a day is all that a quiet day costs.</summary>
    private const ulong EventSalt = 0x5851F42D4C957F2D;

    /// <summary>Shares of computers, and of other devices, to which something happens each day.</summary>
    private static readonly (SampleChange Change, double Share)[] s_computerEvents =
    [
        (SampleChange.Renamed, 0.010),
        (SampleChange.OperatingSystem, 0.010),
        (SampleChange.Software, 0.025),
        (SampleChange.User, 0.005),
        (SampleChange.Memory, 0.002),
        (SampleChange.Seen, 0.005),
    ];

    private static readonly (SampleChange Change, double Share)[] s_hardwareEvents =
    [
        (SampleChange.Renamed, 0.008),
        (SampleChange.Seen, 0.010),
    ];

    private static readonly WeightedTable<SampleChange> s_computerChoice = Choice(s_computerEvents);
    private static readonly WeightedTable<SampleChange> s_hardwareChoice = Choice(s_hardwareEvents);

    private readonly SampleSiteOptions _options;
    private readonly FleetCalendar _calendar;
    private readonly Machines _machines;
    private readonly ulong _key;
    private readonly ulong _computerThreshold;
    private readonly ulong _hardwareThreshold;
    private readonly ulong _duplicateThreshold;
    private readonly ulong _untypedThreshold = Hash.Threshold(0.01);
    private readonly ulong _reimageThreshold = Hash.Threshold(0.2);
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, int[]> _retiredMachines = new();

    public DeviceHistory(SampleSiteOptions options, FleetCalendar calendar, Machines machines)
    {
        (_options, _calendar, _machines) = (options, calendar, machines);
        _key = Hash.Of((uint)options.Seed, Trait.Device);
        _computerThreshold = Hash.Threshold(s_computerEvents.Sum(e => e.Share) * options.ChangeRate);
        _hardwareThreshold = Hash.Threshold(s_hardwareEvents.Sum(e => e.Share) * options.ChangeRate);
        _duplicateThreshold = Hash.Threshold(options.DuplicateRate);
    }

    public ulong KeyOf(int index) => Hash.Mix(_key ^ (uint)index);

    public DeviceState At(int index, int day)
    {
        var key = KeyOf(index);
        var bornOn = _calendar.BornOn(index);
        var machine = _machines.At(MachineOf(index, key, bornOn));
        var state = new DeviceState
        {
            Index = index,
            Day = day,
            Key = key,
            Machine = machine,
            BornOn = bornOn,
            ChangedOn = bornOn,
            SeenOn = bornOn,
            LastChange = SampleChange.Added,
            Untyped = machine.IsPhysicalComputer || machine.Form == Form.Other
                ? Hash.Chance(Hash.Of(machine.Key, Trait.OperatingSystem), _untypedThreshold * (machine.Form == Form.Other ? 30UL : 1UL))
                : false,
        };
        var hash = Hash.Of(key, Trait.OperatingSystem);
        state.System = SystemPool(machine)?.Pick(hash);
        state.SystemMonths = (int)(hash & 3) + (bornOn / 30);

        for (var d = bornOn + 1; d <= day; d++)
        {
            var change = EventOn(state, d, out var detail);
            if (change == SampleChange.None)
                continue;

            state.SeenOn = d;
            if (change == SampleChange.Seen)
                continue;

            state.ChangedOn = d;
            state.LastChange = change;
            switch (change)
            {
                case SampleChange.Renamed:
                    state.Renames++;
                    break;
                case SampleChange.User:
                    state.UserChanges++;
                    break;
                case SampleChange.Memory:
                    state.MemoryUpgrades++;
                    break;
                case SampleChange.OperatingSystem when state.System!.Next is { } next && (detail & 7) == 0:
                    (state.System, state.SystemMonths) = (next, 0);
                    break;
                case SampleChange.OperatingSystem:
                    state.SystemMonths++;
                    break;
            }
        }

        if (_options.LastSeenMoves)
            state.SeenOn = day;

        return state;
    }

    /// <summary>What happens to the device on one day; the detail says how.</summary>
    public SampleChange EventOn(in DeviceState state, int day, out ulong detail)
    {
        detail = Hash.Mix(state.Key ^ EventSalt ^ (uint)day);
        var computer = state.Machine.IsComputer;
        if (!Hash.Chance(detail, computer ? _computerThreshold : _hardwareThreshold))
            return SampleChange.None;

        // The chance took the lower half of the hash.
        var change = (computer ? s_computerChoice : s_hardwareChoice).Pick(detail);
        detail = Hash.Of(detail, Trait.EventDetail);
        return change switch
        {
            SampleChange.Memory when !HasRoomForMemory(state) => SampleChange.Seen,
            SampleChange.User when !state.Machine.HasUser => SampleChange.Seen,
            SampleChange.Software when state.Machine.Platform == Platform.None => SampleChange.Seen,
            _ => change,
        };
    }

    /// <summary>When the device was seen on this day: in the twelve hours before the site's time, but for a few that were away on day 0.</summary>
    public static DateTime SeenTime(in DeviceState state, int day)
    {
        var hash = Hash.Of(state.Key, Trait.SeenOffset, day);
        var time = SampleFleet.Epoch.AddDays(day).AddSeconds(-(long)((uint)hash % 43_200));
        if (day > 0)
            return time;

        return ((hash >> 32) % 1000) switch
        {
            < 5 => time.AddDays(-31 - (double)((hash >> 44) % 60)),
            < 15 => time.AddDays(-3 - (double)((hash >> 44) % 15)),
            _ => time,
        };
    }

    public static DateTime AuditTime(in DeviceState state, int day) => SeenTime(state, day).AddSeconds(-60 - (double)(Hash.Of(state.Key, Trait.Seen, day) % 1440));

    private static bool HasRoomForMemory(in DeviceState state) =>
        state.Machine.Form is Form.Desktop or Form.Server or Form.VirtualMachine && state.Machine.Platform != Platform.MacOS && state.MemoryUpgrades < 2;

    private int MachineOf(int index, ulong key, int bornOn)
    {
        if (bornOn > 0 && bornOn <= SampleFleet.MaxDay)
        {
            // A part of the new devices are machines that went on that day and were installed afresh.
            var retired = _retiredMachines.GetOrAdd(bornOn, RetiredMachines);
            var place = index - _calendar.Born(bornOn - 1);
            return place < retired.Length && Hash.Chance(Hash.Of(key, Trait.Reimage), _reimageThreshold) ? retired[place] : index;
        }

        if (_duplicateThreshold == 0 || index == 0)
            return index;

        var hash = Hash.Of(key, Trait.Duplicate);
        if (!Hash.Chance(hash, _duplicateThreshold))
            return index;

        // Not a second row of a second row, so that a search back never runs far.
        var original = Hash.Pick(hash, index);
        return _machines.At(original).IsPhysicalComputer && !Hash.Chance(Hash.Of(KeyOf(original), Trait.Duplicate), _duplicateThreshold) ? original : index;
    }

    private int[] RetiredMachines(int day) =>
        [.. _calendar.GoneOn(day).Select(index => MachineOf(index, KeyOf(index), _calendar.BornOn(index))).Where(number => _machines.At(number).IsPhysicalComputer)];

    private static WeightedTable<OperatingSystemRelease>? SystemPool(in Machine machine) => (machine.Platform, machine.Form) switch
    {
        (Platform.Windows, Form.Server) => OperatingSystems.WindowsServers,
        (Platform.Windows, Form.VirtualMachine) => machine.Key % 7 == 0 ? OperatingSystems.WindowsClients : OperatingSystems.WindowsServers,
        (Platform.Windows, _) => OperatingSystems.WindowsClients,
        (Platform.Linux, _) => OperatingSystems.Linux,
        (Platform.MacOS, _) => OperatingSystems.MacOS,
        (_, Form.Hypervisor) => OperatingSystems.Hypervisors,
        _ => null,
    };

    private static WeightedTable<SampleChange> Choice((SampleChange Change, double Share)[] events) =>
        new([.. events.Select(e => (e.Change, (int)(e.Share * 10_000)))]);
}
