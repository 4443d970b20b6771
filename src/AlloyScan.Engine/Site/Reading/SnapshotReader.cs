using System.Globalization;
using AlloyScan.Engine.Inventory;
using System.Text.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>Reads audit snapshots. This is the hot path of a first synchronisation. One instance reads one body.</summary>
internal sealed class SnapshotReader(ApiProfile profile, CompiledProfile compiled) : FieldReader(compiled.Snapshot, ApiFields.SnapshotFields.Length)
{
    private readonly CompiledProfile _compiled = compiled;
    private List<SnapshotAdapter>? _adapters;
    private List<InstalledSoftware>? _software;
    private Dictionary<string, string?>? _custom;

    /// <summary>Reads the snapshot at the reader.</summary>
    /// <param name="reader">Stands at the first token.</param>
    /// <param name="softwareCapacity">How many installed products to make room for.</param>
    /// <exception cref="BodyException">The snapshot cannot be understood.</exception>
    internal AuditSnapshot Read(ref BodyReader reader, int softwareCapacity)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new BodyException(BodyFault.Shape, "UnreadableSnapshot", $"the audit snapshot is {reader.Describe()} and not an object");
        }

        _softwareCapacity = softwareCapacity;
        ReadFields(ref reader);
        string? id = Values[ApiFields.Snapshot.Id];
        if (string.IsNullOrWhiteSpace(id))
        {
            Fail($"The field '{profile.Snapshot["id"] ?? "id"}' is missing.");
        }

        DateTimeOffset? auditDate = Time(ApiFields.Snapshot.AuditDate, Location("auditDate"));
        SnapshotHardware? hardware = Hardware();
        if (Problem is { } problem)
        {
            throw new BodyException(BodyFault.Shape, "UnreadableSnapshot", $"the audit snapshot cannot be understood. {problem}");
        }

        AuditSnapshot snapshot = new()
        {
            Id = id!,
            DeviceId = Values[ApiFields.Snapshot.DeviceId],
            AuditDate = auditDate,
            Source = Values[ApiFields.Snapshot.Source],
            Hardware = hardware,
            OperatingSystem = OperatingSystem(),
            Network = Network(),
            User = User(),
            Software = _software,
        };
        return _custom is null ? snapshot : snapshot with { Custom = _custom };
    }

    private int _softwareCapacity;

    protected override void ReadComposite(LocationNode node, ref BodyReader reader)
    {
        switch (node.Field)
        {
            case ApiFields.Snapshot.Software:
                ReadSoftware(node, ref reader);
                break;
            case ApiFields.Snapshot.Adapters:
                ReadAdapters(node, ref reader);
                break;
            default:
                ReadCustom(node, ref reader);
                break;
        }
    }

    private void ReadSoftware(LocationNode node, ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            FailKind(node, ref reader, "a list");
            return;
        }

        List<InstalledSoftware> software = new(_softwareCapacity);
        SoftwareReader row = new(_compiled);
        while (reader.Next() != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                software.Add(row.Read(ref reader, out string? problem));
                if (problem is not null)
                {
                    Fail($"In '{node.Path}', row {software.Count.ToString(CultureInfo.InvariantCulture)}: {problem}");
                }
            }
            else
            {
                FailKind(node, ref reader, "a list of objects");
            }
        }

        _software = software;
    }

    private void ReadAdapters(LocationNode node, ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            FailKind(node, ref reader, "a list");
            return;
        }

        _adapters = new List<SnapshotAdapter>(4);
        AdapterReader row = new(profile, _compiled);
        while (reader.Next() != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                _adapters.Add(row.Read(ref reader, out string? problem));
                if (problem is not null)
                {
                    Fail($"In '{node.Path}': {problem}");
                }
            }
            else
            {
                FailKind(node, ref reader, "a list of objects");
            }
        }
    }

    private void ReadCustom(LocationNode node, ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            FailKind(node, ref reader, "an object");
            return;
        }

        _custom = new Dictionary<string, string?>(StringComparer.Ordinal);
        while (reader.Next() != JsonTokenType.EndObject)
        {
            string name = reader.Text();
            reader.Next();
            if (!reader.TryText(out string? text))
            {
                // A custom field may be anything; a list or an object is kept as its JSON, so that nothing is lost.
                text = reader.CompactJson();
            }

            _custom[name] = text;
        }
    }

    private SnapshotHardware? Hardware()
    {
        long? cores = Number(ApiFields.Snapshot.CpuCores, Location("cpuCores"));
        long? memory = Number(ApiFields.Snapshot.MemoryBytes, Location("memoryBytes"));
        return AnyValue(ApiFields.Snapshot.Manufacturer, ApiFields.Snapshot.MemoryBytes)
            ? new SnapshotHardware
            {
                Manufacturer = Values[ApiFields.Snapshot.Manufacturer],
                Model = Values[ApiFields.Snapshot.Model],
                SerialNumber = Values[ApiFields.Snapshot.SerialNumber],
                BiosUuid = Values[ApiFields.Snapshot.BiosUuid],
                Chassis = Values[ApiFields.Snapshot.Chassis],
                CpuName = Values[ApiFields.Snapshot.CpuName],
                CpuCores = cores is { } n ? (int)Math.Clamp(n, int.MinValue, int.MaxValue) : null,
                MemoryBytes = memory,
            }
            : null;
    }

    private SnapshotOperatingSystem? OperatingSystem() =>
        AnyValue(ApiFields.Snapshot.OsPlatform, ApiFields.Snapshot.OsInstallDate)
            ? new SnapshotOperatingSystem
            {
                Platform = Values[ApiFields.Snapshot.OsPlatform],
                Name = Values[ApiFields.Snapshot.OsName],
                Version = Values[ApiFields.Snapshot.OsVersion],
                Build = Values[ApiFields.Snapshot.OsBuild],
                InstallDate = Values[ApiFields.Snapshot.OsInstallDate],
            }
            : null;

    private SnapshotNetwork? Network() =>
        _adapters is not null || AnyValue(ApiFields.Snapshot.HostName, ApiFields.Snapshot.Domain)
            ? new SnapshotNetwork
            {
                HostName = Values[ApiFields.Snapshot.HostName],
                Domain = Values[ApiFields.Snapshot.Domain],
                Adapters = _adapters ?? (IReadOnlyList<SnapshotAdapter>)[],
            }
            : null;

    private SnapshotUser? User() =>
        AnyValue(ApiFields.Snapshot.UserLogin, ApiFields.Snapshot.UserDepartment)
            ? new SnapshotUser
            {
                Login = Values[ApiFields.Snapshot.UserLogin],
                DisplayName = Values[ApiFields.Snapshot.UserDisplayName],
                Email = Values[ApiFields.Snapshot.UserEmail],
                Department = Values[ApiFields.Snapshot.UserDepartment],
            }
            : null;

    // A part of the audit with nothing in it is an absent part: an empty operatingSystem is no operating system.
    private bool AnyValue(int first, int last) => Values.AsSpan(first, last - first + 1).ContainsAnyExcept((string?)null);

    private string Location(string field) => profile.Snapshot[field] ?? field;

    private sealed class SoftwareReader(CompiledProfile compiled)
        : FieldReader(compiled.Software, ApiFields.SoftwareFields.Length, compiled.Strings)
    {
        internal InstalledSoftware Read(ref BodyReader reader, out string? problem)
        {
            ReadFields(ref reader);
            problem = Problem;
            string?[] values = Values;
            return new InstalledSoftware(
                values[ApiFields.Software.Name],
                values[ApiFields.Software.Version],
                values[ApiFields.Software.Publisher],
                values[ApiFields.Software.InstallDate],
                values[ApiFields.Software.InstallKey],
                values[ApiFields.Software.SerialNumber]);
        }
    }

    private sealed class AdapterReader(ApiProfile profile, CompiledProfile compiled) : FieldReader(compiled.Adapter, ApiFields.AdapterFields.Length)
    {
        private List<string>? _addresses;

        internal SnapshotAdapter Read(ref BodyReader reader, out string? problem)
        {
            _addresses = null;
            ReadFields(ref reader);
            string? isVirtual = Values[ApiFields.Adapter.Virtual];
            if (!string.IsNullOrWhiteSpace(isVirtual) && isVirtual is not ("0" or "1") && !bool.TryParse(isVirtual, out _))
            {
                Fail($"The field '{profile.Adapter["virtual"]}' is '{Shorten(isVirtual)}', which is neither true nor false.");
            }

            problem = Problem;
            return new SnapshotAdapter
            {
                Name = Values[ApiFields.Adapter.Name],
                MacAddress = Values[ApiFields.Adapter.MacAddress],
                IpAddresses = _addresses ?? (IReadOnlyList<string>)[],
                Virtual = isVirtual == "1" || (bool.TryParse(isVirtual, out bool value) && value),
            };
        }

        protected override void ReadComposite(LocationNode node, ref BodyReader reader)
        {
            _addresses = new List<string>(2);
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                Take(node, ref reader);
                return;
            }

            while (reader.Next() != JsonTokenType.EndArray)
            {
                Take(node, ref reader);
            }
        }

        private void Take(LocationNode node, ref BodyReader reader)
        {
            if (!reader.TryText(out string? address))
            {
                FailKind(node, ref reader, "a text");
            }
            else if (!string.IsNullOrWhiteSpace(address))
            {
                _addresses!.Add(address);
            }
        }
    }
}
