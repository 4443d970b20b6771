namespace AlloyScan.SampleSite;

/// <summary>A device on one day: what its events up to that day have made of it.</summary>
internal struct DeviceState
{
    public int Index;
    public int Day;
    public ulong Key;
    public Machine Machine;

    /// <summary>The machine after which the device is called: itself, or one whose name it took over.</summary>
    public Machine Named;

    /// <summary>Moves to another office before the device was there, which its name shows.</summary>
    public int Moves;

    public int BornOn;

    /// <summary>Day of the last audit that found something else than the one before.</summary>
    public int ChangedOn;

    /// <summary>Day on which the device was last seen on the network.</summary>
    public int SeenOn;

    /// <summary>From this day on the device is not seen any more: it lies in a drawer, or its machine has another device.</summary>
    public int SilentFrom;

    /// <summary>Day on which the machine gets another board.</summary>
    public int BoardSwapOn;

    /// <summary>Day on which the machine exchanges its network card.</summary>
    public int AdapterMoveOn;

    /// <summary>Boards of the machine that went with devices before this one.</summary>
    public int BoardsBefore;

    public SampleOrigin Origin;

    /// <summary>The device that it follows, or -1.</summary>
    public int Former;

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
    private readonly Successions? _successions;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, int[]> _retiredMachines = new();

    public DeviceHistory(SampleSiteOptions options, FleetCalendar calendar, Machines machines)
    {
        (_options, _calendar, _machines) = (options, calendar, machines);
        _key = Hash.Of((uint)options.Seed, Trait.Device);
        _computerThreshold = Hash.Threshold(s_computerEvents.Sum(e => e.Share) * options.ChangeRate);
        _hardwareThreshold = Hash.Threshold(s_hardwareEvents.Sum(e => e.Share) * options.ChangeRate);
        _duplicateThreshold = Hash.Threshold(options.DuplicateRate);
        if (options.Doubts.Any)
            _calendar.Successions = _successions = new Successions(options, calendar, this);
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
            Named = machine,
            Moves = machine.Number != index && (key & 1) == 1 ? 1 : 0,
            SilentFrom = int.MaxValue,
            BoardSwapOn = int.MaxValue,
            AdapterMoveOn = int.MaxValue,
            Former = -1,
            Origin = machine.Number == index ? SampleOrigin.New : bornOn == 0 ? SampleOrigin.SecondRow : SampleOrigin.Reimaged,
            Untyped = machine.IsPhysicalComputer || machine.Form == Form.Other
                ? Hash.Chance(Hash.Of(machine.Key, Trait.OperatingSystem), _untypedThreshold * (machine.Form == Form.Other ? 30UL : 1UL))
                : false,
        };
        var hash = Hash.Of(key, Trait.OperatingSystem);
        state.System = SystemPool(machine)?.Pick(hash);
        state.SystemMonths = (int)(hash & 3) + (bornOn / 30);

        var desk = machine.Number;
        var card = machine.Number;
        if (_successions is not null)
        {
            state.SilentFrom = IsInDrawer(index) ? 1 : _successions.SilentFrom(index, day);
            state.BoardSwapOn = _machines.BoardSwapOn(machine);
            state.AdapterMoveOn = _machines.AdapterMoveOn(machine, out card);
            if (_successions.TryGetFormer(index, bornOn, out var succession))
                Follow(ref state, succession, ref desk);
        }

        for (var d = bornOn + 1; d <= day && d < state.SilentFrom; d++)
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
            state.SeenOn = Math.Max(bornOn, Math.Min(day, state.SilentFrom - 1));

        if (_successions is not null)
        {
            // What an audit finds: a row that is not audited any more goes on showing the machine as it was.
            var moved = state.Origin == SampleOrigin.AdapterReused || state.ChangedOn >= state.AdapterMoveOn;
            state.Machine = machine with
            {
                Board = state.BoardsBefore + (state.ChangedOn >= state.BoardSwapOn ? 1 : 0),
                Card = state.Origin == SampleOrigin.AdapterReused ? At(state.Former, bornOn - 1).Machine.Card : moved ? card : machine.Number,
                Desk = desk,
                IsTurned = _machines.IsTurnedOn(machine, state.ChangedOn),
            };
        }

        return state;
    }

    /// <summary>What happens to the device on one day; the detail says how.</summary>
    public SampleChange EventOn(in DeviceState state, int day, out ulong detail)
    {
        detail = Hash.Mix(state.Key ^ EventSalt ^ (uint)day);
        if (day >= state.SilentFrom)
            return SampleChange.None;

        if (day == state.BoardSwapOn)
            return SampleChange.Board;

        if (day == state.AdapterMoveOn && state.Origin != SampleOrigin.AdapterReused)
            return SampleChange.Adapter;

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

    /// <summary>The machine of a device as it was sold.</summary>
    public Machine MachineAt(int index) => _machines.At(MachineOf(index, KeyOf(index), _calendar.BornOn(index)));

    /// <summary>The machine that a device is if it follows no other one.</summary>
    public Machine OwnMachineAt(int index) => _machines.At(index);

    /// <summary>Whether the device was away for a month and longer on day 0. In a fleet with doubts it stays so.</summary>
    public bool IsInDrawer(int index) => index < _options.Devices && (Hash.Of(KeyOf(index), Trait.SeenOffset, 0) >> 32) % 1000 < 5;

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
        if (bornOn > 0 && _successions is not null)
        {
            return _successions.TryGetFormer(index, bornOn, out var succession) && succession.IsSameMachine
                ? MachineOf(succession.Former, KeyOf(succession.Former), _calendar.BornOn(succession.Former))
                : index;
        }

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

    private void Follow(ref DeviceState state, Succession succession, ref int desk)
    {
        var former = At(succession.Former, state.BornOn - 1);
        (state.Former, state.Origin) = (succession.Former, succession.Origin);
        if (succession.Origin == SampleOrigin.AdapterReused)
            return;

        state.Named = former.Named;
        state.Moves = former.Moves + former.Renames;
        desk = former.Machine.Desk;
        if (succession.Origin == SampleOrigin.NameReused)
        {
            desk = state.Machine.Form == Form.Laptop && (desk != former.Machine.Number || _machines.HasSharedDock(former.Machine)) ? desk : state.Machine.Number;
            return;
        }

        state.BoardsBefore = former.BoardsBefore + (succession.Origin == SampleOrigin.BoardReplaced ? 1 : 0);
        // Who installs a machine afresh often gives it another name.
        if (succession.Origin is SampleOrigin.Reimaged or SampleOrigin.ReimagedBeside or SampleOrigin.ReimagedStale && (state.Key & 1) == 1)
            state.Moves++;
    }

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
