using System.Text.RegularExpressions;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Cmdb;

/// <summary>The fields that configuration items have: built-in ones, and custom ones that an administrator defines for a class.</summary>
public sealed partial class RecordFields
{
    private const int RowsAtOnce = 500;

    // Names that the views, the journal and the cmdlets give a meaning of their own.
    private static readonly string[] s_reserved =
    [
        "id", "target", "site", "device_id", "audit_id", "audited_at", "last_seen", "missing_since", "created_at", "updated_at", "custom", "class", "link", "software", "store",
    ];

    private readonly AlloyStore _store;

    internal RecordFields(AlloyStore store) => _store = store;

    /// <summary>The fields of a class, built-in ones first.</summary>
    /// <param name="recordClass">The class.</param>
    public IReadOnlyList<RecordField> List(RecordClass recordClass)
    {
        using var session = _store.NewSession();
        return [.. CmdbSchema.Load(session).Of(recordClass).Select(f => Public(recordClass, f))];
    }

    /// <summary>One field.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="name">Its name, without case.</param>
    /// <exception cref="AlloyScanException">There is none (<c>FieldNotFound</c>).</exception>
    public RecordField Get(RecordClass recordClass, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        return Public(recordClass, Find(session, recordClass, name));
    }

    /// <summary>Defines a custom field.</summary>
    /// <param name="recordClass">Class of the CIs that get it.</param>
    /// <param name="name">Its name: a letter, then letters, digits and underscores, at most 64.</param>
    /// <param name="type">What it holds.</param>
    /// <returns>The field.</returns>
    /// <exception cref="AlloyScanException">The name cannot be one (<c>InvalidFieldName</c>) or is taken (<c>FieldExists</c>).</exception>
    public RecordField Create(RecordClass recordClass, string name, FieldType type)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        session.InTransactionDo(() => Create(session, recordClass, name, type));
        return Get(recordClass, name);
    }

    /// <summary>Checks and writes a custom field. Within a transaction.</summary>
    internal static void Create(StoreSession session, RecordClass recordClass, string name, FieldType type)
    {
        name = name.Trim();
        if (!Name().IsMatch(name))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidFieldName", $"'{name}' cannot be the name of a field.", name, "Use a letter, then letters of the English alphabet, digits and underscores, at most 64: cost_center.");
        }

        if (s_reserved.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidFieldName", $"'{name}' cannot be the name of a field, since the views use it for something else.", name, "Choose another name.");

        // A built-in field's name is taken for both classes, or the same word would mean two things.
        if (CmdbSchema.Load(session).Find(recordClass, name) is not null || CmdbFields.All.Any(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase)))
            throw new AlloyScanException(ErrorKind.AlreadyExists, "FieldExists", $"There is a field '{name}' already.", name, "Choose another name.");
        session.Execute("INSERT INTO custom_fields (class, name, type) VALUES (@p0, @p1, @p2)", (int)recordClass, name, type.ToString());
    }

    /// <summary>How many CIs hold a value of a custom field.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="name">Its name.</param>
    public int CountValues(RecordClass recordClass, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        var field = Find(session, recordClass, name);
        return field.IsCustom ? Holders(session, recordClass, field).Count() : 0;
    }

    /// <summary>Removes a custom field with all its values.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>FieldNotFound</c>), it is built in (<c>FieldIsBuiltIn</c>), a service action uses it (<c>FieldInUse</c>), or a run is going on (<c>JobRunning</c>).</exception>
    public void Remove(RecordClass recordClass, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        CheckRemovable(session, recordClass, name);
        // A run has read the fields when it began and would bring the values back.
        var lease = Lease.Acquire(session, Sync.RunContext.BuiltInTarget, "removal of the field " + name);
        try
        {
            session.InTransactionDo(() =>
            {
                var field = CheckRemovable(session, recordClass, name);
                foreach (var (record, custom) in Holders(session, recordClass, field))
                {
                    session.Prepare("UPDATE records SET custom = @p1, updated_at = @p2 WHERE id = @p0")
                        .Set(0, record).Set(1, CustomValues.Change(custom, [(field, null)])).Set(2, _store.TimeProvider.NowMilliseconds()).Execute();
                }

                Forget(session, recordClass, field);
                session.Execute("DELETE FROM custom_fields WHERE class = @p0 AND name = @p1", (int)recordClass, field.Name);
            });
        }
        finally
        {
            lease.Release();
        }
    }

    /// <summary>Checks that a field can be removed, without doing it.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">As <see cref="Remove"/>.</exception>
    public void CheckRemovable(RecordClass recordClass, string name)
    {
        using var session = _store.NewSession();
        CheckRemovable(session, recordClass, name);
    }

    private static CmdbField CheckRemovable(StoreSession session, RecordClass recordClass, string name)
    {
        var field = Find(session, recordClass, name);
        if (!field.IsCustom)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "FieldIsBuiltIn", $"The field '{field.Name}' is built in and cannot be removed.", name, "Only custom fields can be removed.");

        var users = ServiceActions.Using(session, recordClass, field.Name);
        if (users.Count > 0)
        {
            throw new AlloyScanException(
                ErrorKind.ResourceBusy, "FieldInUse", $"The field '{field.Name}' of {recordClass} is used by {(users.Count == 1 ? "the service action" : "the service actions")} {string.Join(", ", users)}.", name,
                "Take it out of their mappings and initial values with Set-AlloyScanServiceAction first.");
        }

        return field;
    }

    /// <summary>CIs with a value of a custom field, a chunk at a time. Found by its name in the text first, since few CIs may have any.</summary>
    private static IEnumerable<(long Record, string Custom)> Holders(StoreSession session, RecordClass recordClass, CmdbField field)
    {
        var values = new string?[field.Index + 1];
        long after = 0;
        while (true)
        {
            var rows = new List<(long Record, string Custom)>(RowsAtOnce);
            using (var reader = session.Prepare($"SELECT id, custom FROM records WHERE id > @p0 AND class = @p1 AND lower(custom) LIKE @p2 ORDER BY id LIMIT {RowsAtOnce}")
                .Set(0, after).Set(1, (int)recordClass).Set(2, Like(field)).Read())
            {
                while (reader.Read())
                    rows.Add((reader.GetInt64(0), reader.GetString(1)));
            }

            if (rows.Count == 0)
                yield break;

            foreach (var row in rows)
            {
                after = row.Record;
                values[field.Index] = null;
                CustomValues.Read(row.Custom, [field], values);
                if (values[field.Index] is not null)
                    yield return row;
            }
        }
    }

    /// <summary>Forgets what links last wrote to a field, so that a later field of the same name begins anew.</summary>
    private static void Forget(StoreSession session, RecordClass recordClass, CmdbField field)
    {
        long after = 0;
        while (true)
        {
            var rows = new List<(long Link, string Written)>();
            using (var reader = session.Prepare(
                $"SELECT v.link, v.written FROM link_values v JOIN links l ON l.id = v.link WHERE v.link > @p0 AND l.class = @p1 AND lower(v.written) LIKE @p2 ORDER BY v.link LIMIT {RowsAtOnce}")
                .Set(0, after).Set(1, (int)recordClass).Set(2, Like(field)).Read())
            {
                while (reader.Read())
                    rows.Add((reader.GetInt64(0), reader.GetString(1)));
            }

            if (rows.Count == 0)
                return;

            foreach (var (link, written) in rows)
            {
                after = link;
                var values = JsonConvert.DeserializeObject<Dictionary<string, string?>>(written) ?? [];
                foreach (var key in values.Keys.Where(k => string.Equals(k, field.Name, StringComparison.OrdinalIgnoreCase)).ToList())
                    values.Remove(key);
                session.Prepare("UPDATE link_values SET written = @p1 WHERE link = @p0").Set(0, link).Set(1, JsonConvert.SerializeObject(values)).Execute();
            }
        }
    }

    // An underscore stands for any character in LIKE, which finds a few too many; the JSON decides.
    private static string Like(CmdbField field) => $"%\"{field.Name.ToLowerInvariant()}\"%";

    private static CmdbField Find(StoreSession session, RecordClass recordClass, string name)
    {
        var schema = CmdbSchema.Load(session);
        return schema.Find(recordClass, name.Trim()) ?? throw new AlloyScanException(
            ErrorKind.NotFound, "FieldNotFound", $"{recordClass} has no field '{name}'.", name, $"It has {string.Join(", ", schema.Of(recordClass).Select(f => f.Name))}.");
    }

    private static RecordField Public(RecordClass recordClass, CmdbField field) =>
        new() { Class = recordClass, Name = field.Name, Type = field.Type, IsCustom = field.IsCustom };

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    private static partial Regex Name();
}
