using System.Data.Common;
using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Cmdb;

/// <summary>A CI as it stands in the built-in CMDB.</summary>
/// <param name="Id">Key.</param>
/// <param name="Class">Class.</param>
/// <param name="Number">Number within its class.</param>
/// <param name="Version">Grows with every change.</param>
/// <param name="Values">Values by position of the field.</param>
/// <param name="Custom">The column of the custom values as it is, which may hold more than the fields tell.</param>
internal sealed record RecordState(long Id, RecordClass Class, long Number, long Version, string?[] Values, string? Custom)
{
    public bool IsRetired => RecordStatus.IsRetired(Values[CmdbFields.Status.Index]);
}

/// <summary>Reads and writes the CIs of the built-in CMDB on one session.</summary>
internal sealed class BuiltInCmdb
{
    private const int IdentifiersAtOnce = 8;

    private readonly StoreSession _session;
    private readonly long _targetId;
    private readonly Statement?[] _insertIdentifiers = new Statement?[IdentifiersAtOnce];
    private readonly Statement _insert;
    private readonly Statement _insertIdentifier;
    private readonly Statement _get;
    private long _nextComputer;
    private long _nextHardware;
    private long _nextId;
    private bool _numbersTaken;

    public BuiltInCmdb(StoreSession session, long targetId, CmdbSchema? schema = null)
    {
        _session = session;
        _targetId = targetId;
        Schema = schema ?? CmdbSchema.Load(session);
        var places = string.Join(", ", Enumerable.Range(0, CmdbFields.All.Count + 7).Select(i => FormattableString.Invariant($"@p{i}")));
        _insert = session.Prepare($"INSERT INTO records (id, target_id, class, number, created_at, updated_at, custom, {CmdbFields.Columns}) VALUES ({places})").Set(1, targetId);
        _insertIdentifier = session.Prepare("INSERT INTO record_identifiers (kind, value, record) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING");
        _get = session.Prepare($"SELECT class, number, version, custom, {CmdbFields.Columns} FROM records WHERE id = @p0");
    }

    /// <summary>The fields that CIs have.</summary>
    public CmdbSchema Schema { get; }

    /// <summary>Forgets numbers that were handed out, after a batch that was taken back.</summary>
    public void Reset()
    {
        _nextId = 0;
        _numbersTaken = false;
    }

    public RecordState? Get(long id)
    {
        using var reader = _get.Set(0, id).Read();
        return reader.Read() ? Load(id, reader) : null;
    }

    public RecordState? Get(RecordClass recordClass, long number)
    {
        using var reader = _session.Prepare($"SELECT class, number, version, custom, {CmdbFields.Columns}, id FROM records WHERE target_id = @p0 AND class = @p1 AND number = @p2")
            .Set(0, _targetId).Set(1, (int)recordClass).Set(2, number).Read();
        return reader.Read() ? Load(reader.GetInt64(CmdbFields.All.Count + 4), reader) : null;
    }

    /// <summary>Creates a CI.</summary>
    /// <returns>Its key and number.</returns>
    public (long Id, long Number) Create(RecordClass recordClass, string?[] values, long now)
    {
        if (_nextId == 0)
        {
            // Closed links remember CIs that are gone, so their keys are not given again either.
            _nextId = Math.Max(_session.Prepare("SELECT max(id) FROM records").Number() ?? 0, _session.Prepare("SELECT max(record) FROM links").Number() ?? 0) + 1;
            using var reader = _session.Prepare("SELECT next_computer, next_hardware FROM targets WHERE id = @p0").Set(0, _targetId).Read();
            reader.Read();
            (_nextComputer, _nextHardware) = (reader.GetInt64(0), reader.GetInt64(1));
        }

        var id = _nextId++;
        var number = recordClass == RecordClass.Computer ? _nextComputer++ : _nextHardware++;
        _numbersTaken = true;
        _insert.Set(0, id).Set(2, (int)recordClass).Set(3, number).Set(4, now).Set(5, now).Set(6, CustomValues.Write(Schema.CustomOf(recordClass), values));
        foreach (var field in CmdbFields.All)
            Set(_insert, 7 + field.Index, field, values[field.Index]);
        _insert.Post();
        return (id, number);
    }

    /// <summary>Writes the numbers handed out in this batch. Call before the commit.</summary>
    public void Flush()
    {
        if (!_numbersTaken)
            return;

        _session.Prepare("UPDATE targets SET next_computer = @p1, next_hardware = @p2 WHERE id = @p0").Set(0, _targetId).Set(1, _nextComputer).Set(2, _nextHardware).Post();
        _numbersTaken = false;
    }

    /// <summary>Changes fields of a CI and returns its new version.</summary>
    public long Update(RecordState record, IReadOnlyCollection<(CmdbField Field, string? Value)> changes, long now)
    {
        var columns = changes.Where(c => !c.Field.IsCustom).ToList();
        var custom = changes.Any(c => c.Field.IsCustom);
        var sets = string.Concat(columns.Select((c, i) => FormattableString.Invariant($", {c.Field.Name} = @p{i + 3}")));
        if (custom)
            sets += FormattableString.Invariant($", custom = @p{columns.Count + 3}");
        var statement = _session.Prepare($"UPDATE records SET version = @p1, updated_at = @p2{sets} WHERE id = @p0");
        var version = record.Version + 1;
        statement.Set(0, record.Id).Set(1, version).Set(2, now);
        var position = 3;
        foreach (var (field, value) in columns)
            Set(statement, position++, field, value);
        if (custom)
            statement.Set(position, CustomValues.Change(record.Custom, changes.Where(c => c.Field.IsCustom)));
        statement.Post();
        return version;
    }

    /// <summary>Adds identifiers to a CI.</summary>
    /// <returns>Those that it did not have.</returns>
    public List<Identifier> AddIdentifiers(long record, IEnumerable<Identifier> identifiers)
    {
        var added = new List<Identifier>();
        foreach (var identifier in identifiers)
        {
            if (_insertIdentifier.Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute() > 0)
                added.Add(identifier);
        }

        return added;
    }

    /// <summary>Adds identifiers to a CI that has none yet.</summary>
    public void PutIdentifiers(long record, IReadOnlyList<Identifier> identifiers)
    {
        foreach (var some in identifiers.Chunk(IdentifiersAtOnce))
        {
            var insert = _insertIdentifiers[some.Length - 1] ??= _session.PrepareRows("INSERT INTO record_identifiers (kind, value, record) VALUES ... ON CONFLICT DO NOTHING", 3, some.Length);
            for (var i = 0; i < some.Length; i++)
                insert.Set(i * 3, (int)some[i].Kind).Set((i * 3) + 1, some[i].Value).Set((i * 3) + 2, record);
            insert.Post();
        }
    }

    /// <summary>Takes identifiers from a CI.</summary>
    /// <returns>Those that it had.</returns>
    public List<Identifier> RemoveIdentifiers(long record, IEnumerable<Identifier> identifiers)
    {
        var removed = new List<Identifier>();
        foreach (var identifier in identifiers)
        {
            if (_session.Prepare("DELETE FROM record_identifiers WHERE kind = @p0 AND value = @p1 AND record = @p2")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute() > 0)
            {
                removed.Add(identifier);
            }
        }

        return removed;
    }

    /// <summary>The identifiers that a CI's own fields give.</summary>
    public static IEnumerable<Identifier> IdentifiersOf(string?[] values)
    {
        if (Identifiers.Name(values[CmdbFields.Name.Index]) is { } name)
            yield return new Identifier(IdentifierKind.Name, name);
        if (Identifiers.SerialNumber(values[CmdbFields.SerialNumber.Index]) is { } serial)
            yield return new Identifier(IdentifierKind.SerialNumber, serial);
        if (Identifiers.BiosUuid(values[CmdbFields.BiosUuid.Index]) is { } uuid)
            yield return new Identifier(IdentifierKind.BiosUuid, uuid);
        if (Identifiers.AssetTag(values[CmdbFields.AssetTag.Index]) is { } tag)
            yield return new Identifier(IdentifierKind.AssetTag, tag);
        if (Identifiers.MacAddress(values[CmdbFields.MacAddress.Index], out var weak) is { } mac)
            yield return new Identifier(weak ? IdentifierKind.WeakMacAddress : IdentifierKind.MacAddress, mac);
    }

    private RecordState Load(long id, DbDataReader reader)
    {
        var recordClass = (RecordClass)reader.GetInt32(0);
        var values = new string?[Schema.SizeOf(recordClass)];
        for (var i = 0; i < CmdbFields.All.Count; i++)
        {
            if (!reader.IsDBNull(4 + i))
                values[i] = CmdbFields.All[i].Type == FieldType.Number ? reader.GetInt64(4 + i).ToString(CultureInfo.InvariantCulture) : reader.GetString(4 + i);
        }

        var custom = reader.Text(3);
        if (custom is not null && values.Length > CmdbFields.All.Count)
            CustomValues.Read(custom, Schema.CustomOf(recordClass), values);
        return new RecordState(id, recordClass, reader.GetInt64(1), reader.GetInt64(2), values, custom);
    }

    private static void Set(Statement statement, int position, CmdbField field, string? value)
    {
        if (field.Type == FieldType.Number)
            statement.Set(position, value is null ? (long?)null : long.Parse(value, CultureInfo.InvariantCulture));
        else
            statement.Set(position, value);
    }
}
