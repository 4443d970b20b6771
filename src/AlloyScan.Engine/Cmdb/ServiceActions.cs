using System.Data.Common;
using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;

namespace AlloyScan.Engine.Cmdb;

/// <summary>The service actions of a store.</summary>
public sealed class ServiceActions
{
    /// <summary>Number of the first action that an administrator makes.</summary>
    private const int FirstOwn = 10001;

    private const string Columns = "id, name, class, kind, definition";

    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        NullValueHandling = NullValueHandling.Ignore,
        MissingMemberHandling = MissingMemberHandling.Error,
        Converters = [new StringEnumConverter { AllowIntegerValues = false }],
    };

    private readonly AlloyStore _store;

    internal ServiceActions(AlloyStore store) => _store = store;

    /// <summary>Names of the source attributes that mappings read; custom audit fields come with them as <c>custom.NAME</c>.</summary>
    public static IReadOnlyList<string> SourceAttributeNames => SourceAttributes.All;

    /// <summary>The numbers of the actions whose names match, in order.</summary>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<int> Find(string? namePattern = null)
    {
        using var session = _store.NewSession();
        using var reader = session.Prepare("SELECT id FROM service_actions WHERE @p0 IS NULL OR lower(name) GLOB @p0 ORDER BY id").Set(0, SqlPattern.Glob(namePattern)).Read();
        var result = new List<int>();
        while (reader.Read())
            result.Add(reader.GetInt32(0));
        return result;
    }

    /// <summary>All actions, in order of number.</summary>
    /// <exception cref="AlloyScanException">One cannot be read (<c>ServiceActionUnreadable</c>).</exception>
    public IReadOnlyList<ServiceAction> List()
    {
        using var session = _store.NewSession();
        using var reader = session.Prepare($"SELECT {Columns} FROM service_actions ORDER BY id").Read();
        var result = new List<ServiceAction>();
        while (reader.Read())
            result.Add(Load(reader));
        return result;
    }

    /// <summary>One action.</summary>
    /// <param name="id">Its number.</param>
    /// <exception cref="AlloyScanException">There is none (<c>ServiceActionNotFound</c>), or it cannot be read (<c>ServiceActionUnreadable</c>).</exception>
    public ServiceAction Get(int id)
    {
        using var session = _store.NewSession();
        return Load(session, id);
    }

    /// <summary>Saves a new action and gives it a number.</summary>
    /// <param name="action">The action.</param>
    /// <returns>The action as saved.</returns>
    /// <exception cref="AlloyScanException">The name is blank or taken (<c>ServiceActionNameMissing</c>, <c>ServiceActionExists</c>), or something is wrong with a mapping or an initial value; see <c>about_AlloyScan_Mapping</c> for the IDs.</exception>
    public ServiceAction Create(ServiceAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        using var session = _store.NewSession();
        ServiceAction? saved = null;
        session.InTransactionDo(() => saved = Create(session, action));
        return saved!;
    }

    /// <summary>Saves a changed action, found by <see cref="ServiceAction.Id"/>. Class and kind of an action never change.</summary>
    /// <param name="action">The action.</param>
    /// <returns>The action as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Create(ServiceAction)"/>, and <c>ServiceActionNotFound</c>, <c>InvalidServiceAction</c>.</exception>
    public ServiceAction Update(ServiceAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            using (var reader = session.Prepare("SELECT class, kind FROM service_actions WHERE id = @p0").Set(0, action.Id).Read())
            {
                if (!reader.Read())
                    throw NotFound(action.Id);
                if (reader.GetInt32(0) != (int)action.Class || reader.GetString(1) != action.Kind.ToString())
                    throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidServiceAction", $"Class and kind of the service action {action} cannot be changed.", action.Id, "Make a new one.");
            }

            Save(session, Checked(session, action));
        });
        return Load(session, action.Id);
    }

    /// <summary>Removes an own action that no job uses.</summary>
    /// <param name="id">Its number.</param>
    /// <exception cref="AlloyScanException">There is none (<c>ServiceActionNotFound</c>), it is a default (<c>ServiceActionIsDefault</c>), or jobs use it (<c>ServiceActionInUse</c>).</exception>
    public void Remove(int id)
    {
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var name = session.Prepare("SELECT name FROM service_actions WHERE id = @p0").Set(0, id).Text() ?? throw NotFound(id);
            if (DefaultServiceActions.Find(id) is not null)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "ServiceActionIsDefault", $"The service action #{id} '{name}' is a default and cannot be removed.", id,
                    "Bring it back to how it was delivered with Reset-AlloyScanServiceAction, or point the jobs at another one.");
            }

            var jobs = new List<string>();
            using (var reader = session.Prepare("""
                SELECT name FROM jobs WHERE new_computer_action = @p0 OR existing_computer_action = @p0 OR new_hardware_action = @p0 OR existing_hardware_action = @p0 ORDER BY name
                """).Set(0, id).Read())
            {
                while (reader.Read())
                    jobs.Add($"'{reader.GetString(0)}'");
            }

            if (jobs.Count > 0)
            {
                throw new AlloyScanException(
                    ErrorKind.ResourceBusy, "ServiceActionInUse", $"The service action #{id} '{name}' is used by {(jobs.Count == 1 ? "the job" : "the jobs")} {string.Join(", ", jobs)}.", id,
                    "Point them at another action with Set-AlloyScanSyncJob first.");
            }

            session.Execute("DELETE FROM service_actions WHERE id = @p0", id);
        });
    }

    /// <summary>Brings a default back to how it was delivered.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>The action as it is now.</returns>
    /// <exception cref="AlloyScanException">It is no default (<c>ServiceActionNotDefault</c>).</exception>
    public ServiceAction Reset(int id)
    {
        var action = DefaultServiceActions.Find(id) ?? throw new AlloyScanException(
            ErrorKind.InvalidArgument, "ServiceActionNotDefault", $"#{id} is not a default service action, so there is nothing to bring it back to.", id,
            $"The defaults are #{DefaultServiceActions.NewComputer} to #{DefaultServiceActions.ExistingHardware}.");
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            CheckNameIsFree(session, action);
            session.Execute("DELETE FROM service_actions WHERE id = @p0", id);
            Insert(session, action);
        });
        return action;
    }

    /// <summary>Adds the defaults to a store that has none yet.</summary>
    internal static void Seed(StoreSession session)
    {
        if (session.Prepare("SELECT count(*) FROM service_actions").Number() > 0)
            return;

        session.InTransactionDo(() =>
        {
            foreach (var action in DefaultServiceActions.All)
            {
                session.Execute(
                    "INSERT INTO service_actions (id, name, class, kind, definition) VALUES (@p0, @p1, @p2, @p3, @p4) ON CONFLICT (id) DO NOTHING",
                    action.Id, action.Name, (int)action.Class, action.Kind.ToString(), Definition(action));
            }
        });
    }

    /// <summary>Initial values and mappings as the store keeps them.</summary>
    internal static string Definition(ServiceAction action) =>
        JsonConvert.SerializeObject(new Parts { InitialValues = action.InitialValues, Mappings = action.Mappings }, s_json);

    /// <summary>Finds an action for its place in a job, and checks that it is of the class and kind which that asks for and that all its names exist.</summary>
    internal static ResolvedAction Resolve(StoreSession session, int id, RecordClass recordClass, ServiceActionKind kind, CmdbSchema schema)
    {
        var action = Load(session, id);
        if (action.Class != recordClass || action.Kind != kind)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidServiceAction",
                $"Service action #{id} '{action.Name}' is for {Words(action.Class, action.Kind)}, not for {Words(recordClass, kind)}.", id,
                "Name an action of the right class and kind.");
        }

        return ServiceActionCheck.Resolve(action, schema);
    }

    /// <summary>The actions in which a field of a class is mapped, read or given an initial value.</summary>
    internal static List<ServiceAction> Using(StoreSession session, RecordClass recordClass, string field)
    {
        var result = new List<ServiceAction>();
        using var reader = session.Prepare($"SELECT {Columns} FROM service_actions WHERE class = @p0 ORDER BY id").Set(0, (int)recordClass).Read();
        while (reader.Read())
        {
            var action = Load(reader);
            if (action.InitialValues.Keys.Any(IsField) || action.Mappings.Any(m => IsField(m.Field) || Reads(m)))
                result.Add(action);
        }

        return result;

        bool IsField(string name) => string.Equals(name.Trim(), field, StringComparison.OrdinalIgnoreCase);

        bool Reads(FieldMapping mapping) =>
            mapping.Template is { } template && MappingTemplate.Parse(template, out _) is { } parts
            && parts.Any(p => p.IsReference && p.Text.StartsWith(MappingTemplate.FieldPrefix, StringComparison.OrdinalIgnoreCase) && IsField(p.Text[MappingTemplate.FieldPrefix.Length..]));
    }

    /// <summary>Checks and writes a new action. Within a transaction.</summary>
    internal static ServiceAction Create(StoreSession session, ServiceAction action)
    {
        var id = Math.Max(FirstOwn, (int)(session.Prepare("SELECT max(id) FROM service_actions").Number() ?? 0) + 1);
        var saved = Checked(session, action with { Id = id, IsDefault = false, IsEdited = false });
        Insert(session, saved);
        return saved;
    }

    /// <summary>Writes an action that was checked over the one of its number.</summary>
    internal static void Save(StoreSession session, ServiceAction action) =>
        session.Execute("UPDATE service_actions SET name = @p1, definition = @p2 WHERE id = @p0", action.Id, action.Name, Definition(action));

    /// <summary>The number of the action of a name, without case.</summary>
    internal static int? FindByName(StoreSession session, string name) =>
        (int?)session.Prepare("SELECT id FROM service_actions WHERE lower(name) = lower(@p0)").Set(0, name.Trim()).Number();

    internal static ServiceAction Load(StoreSession session, int id)
    {
        using var reader = session.Prepare($"SELECT {Columns} FROM service_actions WHERE id = @p0").Set(0, id).Read();
        return reader.Read() ? Load(reader) : throw NotFound(id);
    }

    private static ServiceAction Load(DbDataReader reader)
    {
        var id = reader.GetInt32(0);
        try
        {
            var parts = JsonConvert.DeserializeObject<Parts>(reader.GetString(4), s_json) ?? throw new JsonSerializationException("It is empty.");
            if (parts.Mappings.Any(m => m is null || m.Field is null))
                throw new JsonSerializationException("A mapping is null.");

            var action = new ServiceAction
            {
                Id = id,
                Name = reader.GetString(1),
                Class = (RecordClass)reader.GetInt32(2),
                Kind = Enum.Parse<ServiceActionKind>(reader.GetString(3)),
                InitialValues = parts.InitialValues,
                Mappings = parts.Mappings,
            };
            return DefaultServiceActions.Find(id) is { } original
                ? action with { IsDefault = true, IsEdited = action.Name != original.Name || Definition(action) != Definition(original) }
                : action;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "ServiceActionUnreadable", $"What the store holds of the service action #{id} '{reader.GetString(1)}' cannot be read: {e.Message}", id,
                DefaultServiceActions.Find(id) is null ? "Correct its definition in the store, or remove it and make it anew." : $"Bring it back with Reset-AlloyScanServiceAction {id}.", e);
        }
    }

    /// <summary>Checks an action and brings it into the form in which it is kept.</summary>
    internal static ServiceAction Checked(StoreSession session, ServiceAction action)
    {
        action = action with { Name = action.Name.Trim() };
        if (action.Name.Length == 0)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "ServiceActionNameMissing", "A service action needs a name.", action.Id == 0 ? null : action.Id, "Give it one.");
        if (action.Name.Length > 200)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidServiceAction", "The name of the service action has more than 200 characters.", action.Name[..40] + "...", "Give it a shorter one.");
        CheckNameIsFree(session, action);
        return ServiceActionCheck.Resolve(action, CmdbSchema.Load(session)).Action;
    }

    private static void CheckNameIsFree(StoreSession session, ServiceAction action)
    {
        if (session.Prepare("SELECT id FROM service_actions WHERE lower(name) = lower(@p0) AND id <> @p1").Set(0, action.Name).Set(1, action.Id).Number() is { } other)
        {
            throw new AlloyScanException(
                ErrorKind.AlreadyExists, "ServiceActionExists", $"There is a service action named '{action.Name}' already: #{other}.", action.Name, "Choose another name, or change that one.");
        }
    }

    private static void Insert(StoreSession session, ServiceAction action) => session.Execute(
        "INSERT INTO service_actions (id, name, class, kind, definition) VALUES (@p0, @p1, @p2, @p3, @p4)",
        action.Id, action.Name, (int)action.Class, action.Kind.ToString(), Definition(action));

    private static AlloyScanException NotFound(int id) => new(
        ErrorKind.NotFound, "ServiceActionNotFound", $"There is no service action #{id}.", id,
        $"The defaults are #{DefaultServiceActions.NewComputer} to #{DefaultServiceActions.ExistingHardware}; Get-AlloyScanServiceAction lists all.");

    private static string Words(RecordClass recordClass, ServiceActionKind kind) =>
        $"{(kind == ServiceActionKind.Create ? "new" : "existing")} {(recordClass == RecordClass.Computer ? "computers" : "hardware")}";

    /// <summary>The JSON in the store.</summary>
    private sealed record Parts
    {
        public IReadOnlyDictionary<string, string> InitialValues { get; init; } = new Dictionary<string, string>();

        public IReadOnlyList<FieldMapping> Mappings { get; init; } = [];
    }
}
