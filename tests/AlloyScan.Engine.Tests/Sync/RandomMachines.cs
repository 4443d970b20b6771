using System.Globalization;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>
/// A handful of machines whose identifiers are as doubtful as can be, and the truth about which device is which machine. Each day
/// some are renamed, installed afresh, cloned, repaired, listed twice or gone. The same seed gives the same days.
/// </summary>
internal sealed class RandomMachines
{
    private static readonly string[] s_series = ["SERIES-7", "SERIES-8"];
    private static readonly string[] s_placeholders = ["To be filled by O.E.M.", "Default string", "0", ""];

    private readonly Random _random;
    private readonly FakeSource _source;
    private readonly List<Row> _rows = [];
    private int _nextDevice;
    private int _nextMachine;
    private int _day;

    public RandomMachines(int seed, FakeSource source, int machines)
    {
        (_random, _source) = (new Random(seed), source);
        for (var i = 0; i < machines; i++)
            AddRow(NewMachine());
        Show();
    }

    /// <summary>The machine of each device that ever was.</summary>
    public Dictionary<string, int> MachineOf { get; } = [];

    /// <summary>When a device was first and last seen.</summary>
    public Dictionary<string, (DateTimeOffset First, DateTimeOffset Last)> Seen { get; } = [];

    /// <summary>A day passes.</summary>
    public void NextDay()
    {
        _day++;
        foreach (var row in _rows.ToList())
        {
            if (row.Silent)
            {
                if (_random.Next(3) == 0)
                    _rows.Remove(row);
                continue;
            }

            switch (_random.Next(40))
            {
                case 0:
                    row.Machine.Name = NewName(row.Machine.Number);
                    break;
                case 1:
                    // Installed afresh: the old row goes at once, or stays for a while without being seen.
                    if (_random.Next(2) == 0)
                        _rows.Remove(row);
                    row.Silent = true;
                    row.Frozen = row.Machine.Copy();
                    if (_random.Next(2) == 0)
                        row.Machine.Name = NewName(row.Machine.Number);
                    AddRow(row.Machine);
                    break;
                case 2:
                    AddRow(row.Machine);
                    break;
                case 3:
                    // A copy of a machine that is there; serial number and UUID are copied with it.
                    var clone = NewMachine();
                    (clone.Serial, clone.Uuid) = (row.Machine.Serial, row.Machine.Uuid);
                    AddRow(clone);
                    break;
                case 4:
                    // A new board; sometimes the agent takes the machine for another one.
                    var before = row.Machine.Copy();
                    (row.Machine.Serial, row.Machine.Uuid, row.Machine.Mac) = (NewSerial(row.Machine.Number + 1000 + _day), NewUuid(row.Machine.Number, _day), NewMac(row.Machine.Number, _day));
                    if (_random.Next(2) == 0)
                    {
                        row.Silent = true;
                        row.Frozen = before;
                        AddRow(row.Machine);
                    }

                    break;
                case 5 when _rows.Count > 8:
                    _rows.Remove(row);
                    break;
                case 6 when _rows.Count > 8:
                    // A new machine takes the name and the desk of one that goes.
                    _rows.Remove(row);
                    var heir = NewMachine();
                    (heir.Name, heir.Dock) = (row.Machine.Name, row.Machine.Dock);
                    AddRow(heir);
                    break;
                case 7:
                    // Two machines exchange their cards.
                    var other = _rows[_random.Next(_rows.Count)].Machine;
                    (row.Machine.Mac, other.Mac) = (other.Mac, row.Machine.Mac);
                    break;
                case 8:
                    AddRow(NewMachine());
                    break;
                default:
                    break;
            }
        }

        Show();
    }

    /// <summary>Puts the machines into the site as they are today.</summary>
    private void Show()
    {
        _source.Devices.Clear();
        foreach (var row in _rows)
        {
            var machine = row.Silent ? row.Frozen ?? row.Machine : row.Machine;
            if (!row.Silent)
            {
                row.LastSeen = FakeSource.T((_day * 24) + _random.Next(12));
                Seen[row.Id] = (Seen.TryGetValue(row.Id, out var seen) ? seen.First : row.LastSeen, row.LastSeen);
            }

            var uuid = machine.Uuid is { } text && !row.Silent && _random.Next(2) == 0 ? new Guid(Guid.Parse(text).ToByteArray(), bigEndian: true).ToString() : machine.Uuid;
            var device = new Device
            {
                Id = row.Id, Name = machine.Name, SerialNumber = machine.Serial, MacAddress = machine.Dock ?? machine.Mac, Type = "computer", LastSeen = row.LastSeen, IpAddress = "10.0.0.1",
            };
            var snapshot = SyncFixture.Snapshot($"audit-{row.Id}-{(row.Silent ? row.AuditedOn : _day)}", uuid) with
            {
                Network = new SnapshotNetwork
                {
                    Adapters =
                    [
                        new SnapshotAdapter { Name = "Ethernet", MacAddress = machine.Mac },
                        .. machine.Dock is { } dock ? [new SnapshotAdapter { Name = machine.Number % 2 == 0 ? "USB dock" : "Ethernet 3", MacAddress = dock }] : Array.Empty<SnapshotAdapter>(),
                    ],
                },
            };
            if (row.Silent && _source.Snapshots.TryGetValue(snapshot.Id, out var known))
                snapshot = known;
            row.AuditedOn = row.Silent ? row.AuditedOn : _day;
            _source.Add(device, snapshot);
        }
    }

    private void AddRow(Machine machine)
    {
        var number = _nextDevice++;
        // IDs in no order that the days share.
        var row = new Row { Id = Convert.ToHexString(BitConverter.GetBytes(number * 2654435761u)) + "-" + number.ToString(CultureInfo.InvariantCulture), Machine = machine };
        _rows.Add(row);
        MachineOf.Add(row.Id, machine.Number);
    }

    private Machine NewMachine()
    {
        var number = _nextMachine++;
        return new Machine
        {
            Number = number, Name = NewName(number), Serial = NewSerial(number), Uuid = NewUuid(number, 0), Mac = NewMac(number, 0),
            Dock = _random.Next(4) == 0 ? $"00:E0:4C:68:00:{_random.Next(3):X2}" : null,
        };
    }

    private string NewName(int number) => _random.Next(6) == 0 ? "localhost" : $"PC-{number}-{_random.Next(3)}";

    private string NewSerial(int number) => _random.Next(10) switch
    {
        0 => s_series[_random.Next(s_series.Length)],
        1 => s_placeholders[_random.Next(s_placeholders.Length)],
        _ => $"SN-{number:D5}",
    };

    private string? NewUuid(int number, int board) => _random.Next(8) switch
    {
        0 => "03000200-0400-0500-0006-000700080009",
        1 => null,
        _ => $"4C4C4544-{board + 16:X4}-{number + 4096:X4}-8000-{number:X12}",
    };

    private static string NewMac(int number, int board) => $"3C:52:{board:X2}:00:{number / 256:X2}:{number % 256:X2}";

    private sealed class Machine
    {
        public required int Number { get; init; }

        public required string Name { get; set; }

        public required string Serial { get; set; }

        public required string? Uuid { get; set; }

        public required string Mac { get; set; }

        public string? Dock { get; set; }

        public Machine Copy() => new() { Number = Number, Name = Name, Serial = Serial, Uuid = Uuid, Mac = Mac, Dock = Dock };
    }

    private sealed class Row
    {
        public required string Id { get; init; }

        public required Machine Machine { get; init; }

        /// <summary>What the last audit found, for a row that is not audited any more.</summary>
        public Machine? Frozen { get; set; }

        public bool Silent { get; set; }

        public int AuditedOn { get; set; }

        public DateTimeOffset LastSeen { get; set; }
    }
}
