using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Cmdb;

/// <summary>Reads and edits configuration items and their software.</summary>
public sealed class CmdbRepository
{
    private const string CommonColumns = """
        id AS Id, name AS Name, dns_name AS DnsName, serial_number AS SerialNumber, asset_tag AS AssetTag, mac_address AS MacAddress, ip_address AS IpAddress,
        manufacturer AS Manufacturer, model AS Model, status AS Status, target AS Target, site AS Site, device_id AS DeviceId, audit_id AS AuditId,
        audited_at AS AuditedAt, last_seen AS LastSeen, missing_since AS MissingSince, created_at AS CreatedAt, updated_at AS UpdatedAt, custom AS Custom
        """;

    private const string Filter = """
        (@Id IS NULL OR id = @Id) AND (@Name IS NULL OR lower(name) GLOB @Name OR lower(id) = @Name) AND (@SerialNumber IS NULL OR lower(serial_number) GLOB @SerialNumber)
        AND (@Status IS NULL OR lower(status) GLOB @Status) AND (@DeviceId IS NULL OR device_id = @DeviceId) AND (@Target IS NULL OR lower(target) = lower(@Target))
        """;

    private readonly AlloyStore _store;

    internal CmdbRepository(AlloyStore store) => _store = store;

    /// <summary>Streams computers in order of ID.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<Computer> Computers(RecordFilter? filter = null) =>
        _store.Stream<ComputerRow>(
            $"SELECT {CommonColumns}, bios_uuid AS BiosUuid, os_platform AS OsPlatform, os_name AS OsName, os_version AS OsVersion, cpu AS Cpu, memory_bytes AS MemoryBytes, user_name AS UserName FROM computers WHERE {Filter} ORDER BY id",
            Arguments(filter)).Select(row => new Computer
            {
                Id = row.Id,
                Name = row.Name,
                DnsName = row.DnsName,
                SerialNumber = row.SerialNumber,
                AssetTag = row.AssetTag,
                MacAddress = row.MacAddress,
                IpAddress = row.IpAddress,
                Manufacturer = row.Manufacturer,
                Model = row.Model,
                Status = row.Status,
                Target = row.Target,
                Site = row.Site,
                DeviceId = row.DeviceId,
                AuditId = row.AuditId,
                AuditedAt = Time(row.AuditedAt),
                LastSeen = Time(row.LastSeen),
                MissingSince = Time(row.MissingSince),
                CreatedAt = Clock.Parse(row.CreatedAt),
                UpdatedAt = Clock.Parse(row.UpdatedAt),
                Custom = CustomValues.ForPeople(row.Custom),
                BiosUuid = row.BiosUuid,
                OsPlatform = row.OsPlatform,
                OsName = row.OsName,
                OsVersion = row.OsVersion,
                Cpu = row.Cpu,
                MemoryBytes = row.MemoryBytes,
                UserName = row.UserName,
            });

    /// <summary>Streams hardware in order of ID.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<HardwareItem> Hardware(RecordFilter? filter = null) =>
        _store.Stream<HardwareRow>($"SELECT {CommonColumns}, type AS Type FROM hardware WHERE {Filter} ORDER BY id", Arguments(filter)).Select(row => new HardwareItem
        {
            Id = row.Id,
            Name = row.Name,
            Type = row.Type,
            DnsName = row.DnsName,
            SerialNumber = row.SerialNumber,
            AssetTag = row.AssetTag,
            MacAddress = row.MacAddress,
            IpAddress = row.IpAddress,
            Manufacturer = row.Manufacturer,
            Model = row.Model,
            Status = row.Status,
            Target = row.Target,
            Site = row.Site,
            DeviceId = row.DeviceId,
            AuditId = row.AuditId,
            AuditedAt = Time(row.AuditedAt),
            LastSeen = Time(row.LastSeen),
            MissingSince = Time(row.MissingSince),
            CreatedAt = Clock.Parse(row.CreatedAt),
            UpdatedAt = Clock.Parse(row.UpdatedAt),
            Custom = CustomValues.ForPeople(row.Custom),
        });

    /// <summary>Streams installations of computers that are not retired, computer by computer.</summary>
    /// <param name="computerId">ID of one computer; <see langword="null"/> for all.</param>
    /// <param name="name">Pattern of the product name; <see langword="null"/> for all.</param>
    /// <param name="productId">One product; <see langword="null"/> for all.</param>
    public IEnumerable<DiscoveredInstallation> Installations(string? computerId = null, string? name = null, long? productId = null)
    {
        var number = computerId is null ? null : RecordIds.Parse(computerId) is (1, { } found) ? found : (long?)0;
        return _store.Stream<InstallationRow>(
            """
            SELECT r.number AS Number, r.name AS ComputerName, p.id AS ProductId, p.name AS Name, p.version AS Version, p.publisher AS Publisher,
                i.install_date AS InstallDate, i.install_key AS InstallKey, i.serial_number AS SerialNumber, t.name AS Target
            FROM records r JOIN installations i ON i.record = r.id JOIN products p ON p.id = i.product JOIN targets t ON t.id = r.target_id
            WHERE r.class = 1 AND lower(coalesce(r.status, '')) <> 'retired' AND (@number IS NULL OR r.number = @number)
                AND (@name IS NULL OR lower(p.name) GLOB @name) AND (@productId IS NULL OR p.id = @productId)
            ORDER BY r.number, p.name, p.version
            """,
            new { number, name = SqlPattern.Glob(name), productId }).Select(row => new DiscoveredInstallation
            {
                ComputerId = RunContext.RecordId(RecordClass.Computer, row.Number),
                ComputerName = row.ComputerName,
                ProductId = row.ProductId,
                Name = row.Name,
                Version = row.Version,
                Publisher = row.Publisher,
                InstallDate = row.InstallDate,
                InstallKey = row.InstallKey,
                SerialNumber = row.SerialNumber,
                Target = row.Target,
            });
    }

    /// <summary>Streams the software catalog in order of name.</summary>
    /// <param name="name">Pattern of the product name; <see langword="null"/> for all.</param>
    /// <param name="publisher">Pattern of the publisher; <see langword="null"/> for all.</param>
    public IEnumerable<SoftwareProduct> Products(string? name = null, string? publisher = null) =>
        _store.Stream<ProductRow>(
            """
            SELECT id AS Id, name AS Name, version AS Version, publisher AS Publisher, software_group AS SoftwareGroup, installations AS Installations FROM software_products
            WHERE (@name IS NULL OR lower(name) GLOB @name) AND (@publisher IS NULL OR lower(publisher) GLOB @publisher) ORDER BY lower(name), name, version
            """,
            new { name = SqlPattern.Glob(name), publisher = SqlPattern.Glob(publisher) }).Select(row => new SoftwareProduct
            {
                Id = row.Id,
                Name = row.Name,
                Version = row.Version,
                Publisher = row.Publisher,
                SoftwareGroup = row.SoftwareGroup,
                Installations = (int)row.Installations,
            });

    /// <summary>Built-in fields that <see cref="Update"/> can set on a class, by their names in the views; the custom fields come with them.</summary>
    /// <param name="recordClass">The class.</param>
    public static IReadOnlyList<string> EditableFields(RecordClass recordClass) => [.. CmdbFields.All.Where(f => f.IsOn(recordClass)).Select(f => f.Name)];

    /// <summary>Changes fields of one CI by hand. A change that changes nothing leaves the CI as it is.</summary>
    /// <param name="recordClass">Class of the CI.</param>
    /// <param name="id">ID of the CI.</param>
    /// <param name="changes">New values by field name as in the views; <see langword="null"/> empties a field.</param>
    /// <returns>The CI as it is now.</returns>
    /// <exception cref="AlloyScanException">
    /// No such CI (<c>RecordNotFound</c>), no such field (<c>UnknownField</c>), a value of the wrong type (<c>InvalidFieldValue</c>), or the CI is
    /// retired and the change does not take it back (<c>RecordRetired</c>).
    /// </exception>
    public ConfigurationItem Update(RecordClass recordClass, string id, IReadOnlyDictionary<string, string?> changes)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        ArgumentNullException.ThrowIfNull(changes);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var cmdb = new BuiltInCmdb(session, RunContext.BuiltInTarget);
            var (parsedClass, number) = RecordIds.Parse(id);
            var record = parsedClass == (int)recordClass ? cmdb.Get(recordClass, number!.Value) : null;
            if (record is null)
            {
                throw new AlloyScanException(
                    ErrorKind.NotFound, "RecordNotFound", $"There is no {recordClass} '{id}' in the CMDB.", id, "List them to see their IDs.");
            }

            var edits = new List<(CmdbField, string?)>();
            foreach (var (name, value) in changes)
            {
                var field = cmdb.Schema.Find(recordClass, name) ?? throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "UnknownField", $"{recordClass} has no field '{name}'.", name, $"It has {string.Join(", ", cmdb.Schema.Of(recordClass).Select(f => f.Name))}.");
                var clean = string.IsNullOrWhiteSpace(value) ? null : field.Normalise(value);
                if (clean is null && !string.IsNullOrWhiteSpace(value))
                {
                    throw new AlloyScanException(
                        ErrorKind.InvalidArgument, "InvalidFieldValue", $"'{value.Trim()}' is not {FieldValues.Describe(field.Type, whole: !field.IsCustom)}, which the field '{field.Name}' of {id} needs.", id);
                }

                if (!field.IsSame(record.Values[field.Index], clean))
                    edits.Add((field, clean));
            }

            if (edits.Count == 0)
                return;

            var wasRetired = record.IsRetired;
            var before = BuiltInCmdb.IdentifiersOf(record.Values).ToList();
            foreach (var (field, value) in edits)
                record.Values[field.Index] = value;
            if (wasRetired)
            {
                if (record.IsRetired)
                {
                    throw new AlloyScanException(
                        ErrorKind.InvalidArgument, "RecordRetired", $"{id} is retired, and a retired CI is read-only.", id, "Take it back by giving it another status, in the same command if you like.");
                }

                TakeBack(session, record.Id);
            }

            var after = BuiltInCmdb.IdentifiersOf(record.Values).ToList();
            // Identifiers of the linked device stay even when a person types another value: the device still carries them.
            cmdb.AddIdentifiers(record.Id, after.Except(before));
            cmdb.Update(record, edits, _store.TimeProvider.NowMilliseconds());
        });
        return recordClass == RecordClass.Computer ? Computers(new RecordFilter { Id = id }).First() : Hardware(new RecordFilter { Id = id }).First();
    }

    /// <summary>A person took back a CI that was retired for absence: that stands until its device has returned.</summary>
    internal static void TakeBack(StoreSession session, long record) =>
        session.Prepare("UPDATE links SET retired_at = NULL, retired_from = NULL, taken_back = 1 WHERE record = @p0 AND retired_at IS NOT NULL").Set(0, record).Execute();

    private static object Arguments(RecordFilter? filter) => new
    {
        Id = filter?.Id?.Trim().ToUpperInvariant(),
        Name = SqlPattern.Glob(filter?.Name),
        SerialNumber = SqlPattern.Glob(filter?.SerialNumber),
        Status = SqlPattern.Glob(filter?.Status),
        filter?.DeviceId,
        filter?.Target,
    };

    private static DateTimeOffset? Time(string? text) => text is null ? null : Clock.Parse(text);

    // What Dapper fills: columns as the database gives them.
    private class Row
    {
        public string Id { get; init; } = string.Empty;
        public string? Name { get; init; }
        public string? DnsName { get; init; }
        public string? SerialNumber { get; init; }
        public string? AssetTag { get; init; }
        public string? MacAddress { get; init; }
        public string? IpAddress { get; init; }
        public string? Manufacturer { get; init; }
        public string? Model { get; init; }
        public string? Status { get; init; }
        public string Target { get; init; } = string.Empty;
        public string? Site { get; init; }
        public string? DeviceId { get; init; }
        public string? AuditId { get; init; }
        public string? AuditedAt { get; init; }
        public string? LastSeen { get; init; }
        public string? MissingSince { get; init; }
        public string CreatedAt { get; init; } = string.Empty;
        public string UpdatedAt { get; init; } = string.Empty;
        public string? Custom { get; init; }
    }

    private sealed class ComputerRow : Row
    {
        public string? BiosUuid { get; init; }
        public string? OsPlatform { get; init; }
        public string? OsName { get; init; }
        public string? OsVersion { get; init; }
        public string? Cpu { get; init; }
        public long? MemoryBytes { get; init; }
        public string? UserName { get; init; }
    }

    private sealed class HardwareRow : Row
    {
        public string? Type { get; init; }
    }

    private sealed class InstallationRow
    {
        public long Number { get; init; }
        public string? ComputerName { get; init; }
        public long ProductId { get; init; }
        public string Name { get; init; } = string.Empty;
        public string? Version { get; init; }
        public string? Publisher { get; init; }
        public string? InstallDate { get; init; }
        public string? InstallKey { get; init; }
        public string? SerialNumber { get; init; }
        public string Target { get; init; } = string.Empty;
    }

    private sealed class ProductRow
    {
        public long Id { get; init; }
        public string Name { get; init; } = string.Empty;
        public string? Version { get; init; }
        public string? Publisher { get; init; }
        public string? SoftwareGroup { get; init; }
        public long Installations { get; init; }
    }
}
