using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Jobs;

/// <summary>
/// Writes a job with what it uses of the store, and brings it into a store, all or nothing. Rules, junk, fields and default actions
/// belong to the store and hold for all its jobs, so that replacing them needs to be asked for.
/// </summary>
internal sealed class JobTransfer
{
    private readonly StoreSession _session;
    private readonly AlloyStore _store;
    private readonly JobFile _file;
    private readonly JobImportOptions _options;
    private readonly List<string> _steps = [];
    private readonly List<string> _warnings = [];
    private readonly List<string> _overwritten = [];
    private readonly Dictionary<int, int> _actions = [];
    private bool _sharesStore;

    private JobTransfer(StoreSession session, AlloyStore store, JobFile file, JobImportOptions options)
    {
        _session = session;
        _store = store;
        _file = file;
        _options = options;
    }

    public static JobFile Export(StoreSession session, SyncJob job)
    {
        var actions = new[] { job.NewComputerAction, job.ExistingComputerAction, job.NewHardwareAction, job.ExistingHardwareAction }
            .Distinct().Select(id => ServiceActions.Load(session, id)).Where(a => !a.IsDefault || a.IsEdited);
        var schema = CmdbSchema.Load(session);
        var site = session.Prepare("SELECT site_id FROM jobs WHERE id = @p0").Set(0, job.Id).Number() ?? 0;
        return new JobFile
        {
            Job = new JobFile.JobPart
            {
                Name = job.Name,
                Enabled = job.Enabled,
                SiteUrl = job.SiteUrl,
                ClientId = job.ClientId,
                ClientSecret = job.ClientSecret.Kind is SecretKind.EnvironmentVariable or SecretKind.File or SecretKind.Vault ? new JobFile.SecretPart(job.ClientSecret.Kind, job.ClientSecret.Value) : null,
                AppRegistration = job.AppRegistration,
                NewComputerAction = job.NewComputerAction,
                ExistingComputerAction = job.ExistingComputerAction,
                NewHardwareAction = job.NewHardwareAction,
                ExistingHardwareAction = job.ExistingHardwareAction,
                ImportSoftware = job.ImportSoftware,
                RetiredOriginal = job.RetiredOriginal,
                MissingDevice = job.MissingDevice,
                RetireAfterRuns = job.RetireAfterRuns,
                RetireAfterDays = job.RetireAfterDays,
                DeletedRecord = job.DeletedRecord,
                StaleAfterDays = job.StaleAfterDays,
                MostCarriers = job.MostCarriers,
                ParkAfter = job.ParkAfter,
                IdentificationSites = job.IdentificationSites,
                TypeMap = job.TypeMap,
                GuardLimits = job.GuardLimits.ToDictionary(p => p.Key, p => new JobFile.GuardPart(p.Value.Count, p.Value.Share)),
                GuardedFields = job.GuardedFields,
                ThrottleLimit = job.ThrottleLimit,
                ApiProfile = job.ApiProfile is null ? null : JToken.Parse(job.ApiProfile),
                Target = job.Target,
                Schedule = (job.Schedule?.ToJson() ?? job.UnusableSchedule) is { } schedule ? JToken.Parse(schedule) : null,
            },
            ServiceActions = [.. actions.Select(a => new JobFile.ActionPart { Id = a.Id, Name = a.Name, Class = a.Class, Kind = a.Kind, InitialValues = a.InitialValues, Mappings = a.Mappings })],
            CustomFields = [.. Enum.GetValues<RecordClass>().SelectMany(c => schema.CustomOf(c).Select(f => new JobFile.FieldPart(c, f.Name, f.Type)))],
            IdentificationRules = JArray.Parse(IdentificationPolicy.ToJson(IdentificationPolicy.Load(session))),
            JunkIdentifiers = [.. Junk(session)],
            UntrackedSoftwareGroups = Groups(session, site),
        };
    }

    /// <exception cref="AlloyScanException">Something stands in the way; nothing was changed.</exception>
    public static JobImport Import(StoreSession session, AlloyStore store, JobFile file, JobImportOptions options)
    {
        session.Begin();
        try
        {
            var import = new JobTransfer(session, store, file, options).Import();
            if (options.Rehearse)
                session.Rollback();
            else
                session.Commit();
            return import;
        }
        catch
        {
            session.Rollback();
            throw;
        }
    }

    private JobImport Import()
    {
        var part = _file.Job!;
        var name = (_options.Name ?? part.Name).Trim();
        var existing = SyncJobs.Find(_session, name, _store.TimeProvider);
        if (existing is not null && !_options.Overwrite)
        {
            throw new AlloyScanException(
                ErrorKind.AlreadyExists, "JobExists", $"There is a job named '{name}' already.", name, "Import it under another name with -Name, or overwrite that job with -Force.");
        }

        // Without another job, what the store shares belongs to nobody yet.
        _sharesStore = _session.Prepare("SELECT 1 FROM jobs WHERE id <> @p0").Set(0, existing?.Id ?? 0).Number() is not null;
        Fields();
        Actions();
        Rules();
        JunkValues();
        var job = Job(part, name, existing);
        Groups(job);
        if (_overwritten.Count > 0 && !_options.Overwrite)
        {
            throw new AlloyScanException(
                ErrorKind.AlreadyExists, "ImportWouldOverwrite", $"The import of the job '{name}' would change what the store has: {string.Join("; ", _overwritten)}.", name,
                "Look at them first; -Force overwrites them.");
        }

        return new JobImport(job, _steps, _warnings);
    }

    private void Fields()
    {
        foreach (var part in _file.CustomFields)
        {
            var present = CmdbSchema.Load(_session).Find(part.Class, part.Name.Trim());
            if (present is { IsCustom: true } && present.Type == part.Type)
                continue;

            // Values would have to change their type, which nobody is to do in passing.
            if (present is { IsCustom: true })
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidData, "FieldTypeDiffers", $"The custom field '{part.Name}' of {part.Class} holds {present.Type} in this store and {part.Type} in the exported job.", part.Name,
                    "Remove or rename one of the two fields.");
            }

            RecordFields.Create(_session, part.Class, part.Name, part.Type);
            _steps.Add($"make the custom field '{part.Name}' of {part.Class}");
        }
    }

    private void Actions()
    {
        var given = new HashSet<int>();
        foreach (var part in _file.ServiceActions)
        {
            if (!given.Add(part.Id))
                throw Invalid($"holds the service action #{part.Id} twice");

            var original = DefaultServiceActions.Find(part.Id);
            if (original is not null && (original.Class != part.Class || original.Kind != part.Kind))
                throw Invalid($"gives the service action #{part.Id} another class or kind than it has");

            var action = new ServiceAction { Id = part.Id, Name = part.Name, Class = part.Class, Kind = part.Kind, InitialValues = part.InitialValues, Mappings = part.Mappings };
            if (original is not null)
                Default(action);
            else
                Own(action);
        }

        foreach (var id in new[] { _file.Job!.NewComputerAction, _file.Job.ExistingComputerAction, _file.Job.NewHardwareAction, _file.Job.ExistingHardwareAction })
        {
            if (given.Contains(id))
                continue;
            if (DefaultServiceActions.Find(id) is null)
                throw Invalid($"uses the service action #{id} and does not hold it");
            if (ServiceActions.Load(_session, id).IsEdited)
                _warnings.Add($"The job was exported with the service action #{id} as delivered; in this store it was edited, and the job uses it so.");
        }
    }

    private void Default(ServiceAction action)
    {
        _actions[action.Id] = action.Id;
        var present = ServiceActions.Load(_session, action.Id);
        var wanted = ServiceActions.Checked(_session, action);
        if (IsSame(present, wanted))
            return;

        if (present.IsEdited || _sharesStore)
            _overwritten.Add($"the default service action {present}");
        ServiceActions.Save(_session, wanted);
        _steps.Add($"change the default service action {present}");
    }

    /// <summary>An own action is the one of the same name; its number is that of its store.</summary>
    private void Own(ServiceAction action)
    {
        var present = ServiceActions.FindByName(_session, action.Name) is { } id ? ServiceActions.Load(_session, id) : null;
        if (present is null)
        {
            var made = ServiceActions.Create(_session, action);
            _actions[action.Id] = made.Id;
            _steps.Add($"make the service action {made}");
            return;
        }

        if (present.Class != action.Class || present.Kind != action.Kind || present.IsDefault)
        {
            throw new AlloyScanException(
                ErrorKind.AlreadyExists, "ServiceActionExists", $"The store has a service action {present} for something else than the one of that name in the exported job.", action.Name, "Rename one of the two.");
        }

        _actions[action.Id] = present.Id;
        var wanted = ServiceActions.Checked(_session, action with { Id = present.Id });
        if (IsSame(present, wanted))
            return;

        _overwritten.Add($"the service action {present}");
        ServiceActions.Save(_session, wanted);
        _steps.Add($"change the service action {present}");
    }

    private static bool IsSame(ServiceAction one, ServiceAction other) => one.Name == other.Name && ServiceActions.Definition(one) == ServiceActions.Definition(other);

    private void Rules()
    {
        if (_file.IdentificationRules is null)
            return;

        var wanted = IdentificationPolicy.FromJson(_file.IdentificationRules.ToString(Formatting.None));
        var present = IdentificationPolicy.Load(_session);
        foreach (var recordClass in Enum.GetValues<RecordClass>())
        {
            var (before, after) = (JsonOf(present, recordClass), JsonOf(wanted, recordClass));
            if (before == after)
                continue;

            if (_sharesStore || before != JsonOf(IdentificationPolicy.Shipped, recordClass))
                _overwritten.Add($"the identification rules of {recordClass}");
            IdentificationPolicy.Replace(_session, recordClass, wanted);
            _steps.Add($"replace the identification rules of {recordClass}");
        }

        static string JsonOf(IEnumerable<IdentificationRule> rules, RecordClass recordClass) => IdentificationPolicy.ToJson(rules.Where(r => r.Class == recordClass));
    }

    private void JunkValues()
    {
        var added = 0;
        foreach (var part in _file.JunkIdentifiers)
        {
            if (!Enum.IsDefined(part.Attribute) || part.Attribute == IdentificationAttribute.AuditId || !Identifiers.IsWellFormed((IdentifierKind)part.Attribute, part.Value))
                throw Invalid($"holds the junk identifier '{part.Attribute} {part.Value}', which is none");

            // What the shipped list has needs no entry.
            if (Identifiers.Normalise((IdentifierKind)part.Attribute, part.Value) is not { } value)
                continue;

            added += _session.Prepare("INSERT INTO junk_identifiers (kind, value, note, created_at) VALUES (@p0, @p1, @p2, @p3) ON CONFLICT DO NOTHING")
                .Set(0, (int)part.Attribute).Set(1, value).Set(2, part.Note).Set(3, _store.TimeProvider.NowMilliseconds()).Execute();
        }

        if (added == 0)
            return;

        if (_sharesStore)
            _overwritten.Add($"the junk identifiers, {added} more");
        _steps.Add($"add {added} junk {(added == 1 ? "identifier" : "identifiers")}");
    }

    private SyncJob Job(JobFile.JobPart part, string name, SyncJob? existing)
    {
        var chosen = _options.AppRegistration is { } wanted ? AppRegistrations.Find(_session, wanted, _store.TimeProvider) ?? throw AppRegistrations.NotFound(_session, wanted) : null;
        var clientId = (chosen?.ClientId ?? _options.ClientId ?? part.ClientId!).Trim();
        var registration = chosen ?? Registration(part, name, clientId);
        var job = new SyncJob
        {
            Id = existing?.Id ?? 0,
            Name = name,
            Enabled = part.Enabled,
            SiteUrl = chosen?.SiteUrl ?? part.SiteUrl!,
            ClientId = clientId,
            ClientSecret = registration?.ClientSecret ?? Secret(part, name, clientId, existing),
            AppRegistration = registration?.Name,
            NewComputerAction = Local(part.NewComputerAction),
            ExistingComputerAction = Local(part.ExistingComputerAction),
            NewHardwareAction = Local(part.NewHardwareAction),
            ExistingHardwareAction = Local(part.ExistingHardwareAction),
            ImportSoftware = part.ImportSoftware,
            RetiredOriginal = part.RetiredOriginal,
            MissingDevice = part.MissingDevice,
            RetireAfterRuns = part.RetireAfterRuns,
            RetireAfterDays = part.RetireAfterDays,
            DeletedRecord = part.DeletedRecord,
            StaleAfterDays = part.StaleAfterDays,
            MostCarriers = part.MostCarriers,
            ParkAfter = part.ParkAfter,
            IdentificationSites = part.IdentificationSites,
            TypeMap = new Dictionary<string, RecordClass>(part.TypeMap, StringComparer.OrdinalIgnoreCase),
            GuardLimits = part.GuardLimits.ToDictionary(p => p.Key, p => new GuardLimit(p.Value?.Count ?? -1, p.Value?.Share ?? 0)),
            GuardedFields = part.GuardedFields,
            ThrottleLimit = part.ThrottleLimit,
            ApiProfile = part.ApiProfile?.ToString(Formatting.None),
            Target = part.Target,
            Schedule = part.Schedule is null ? null : Schedules.Schedule.Parse(part.Schedule.ToString(Formatting.None), _store.TimeProvider),
        };
        if (job.Schedule is { } schedule && schedule.NextAfter(_store.TimeProvider.GetUtcNow()) is null)
            _warnings.Add($"The schedule of the job '{name}' ended on {schedule.EndDate:yyyy-MM-dd}: the job runs by force only until it gets another.");
        _steps.Add(existing is null ? $"make the job '{name}'" : $"overwrite the job '{existing.Name}'");
        return existing is null
            ? SyncJobs.Insert(_session, SyncJobs.Check(_session, job), _store.TimeProvider)
            : SyncJobs.Replace(_session, SyncJobs.Check(_session, job), _options.SiteChange, _store.TimeProvider);

        int Local(int id) => _actions.GetValueOrDefault(id, id);
    }

    /// <summary>The registration of this store that an exported job uses, if it is the same here.</summary>
    private AppRegistration? Registration(JobFile.JobPart part, string name, string clientId)
    {
        if (part.AppRegistration is not { } wanted || _options.ClientSecret is not null)
            return null;

        if (AppRegistrations.Find(_session, wanted, _store.TimeProvider) is { } found && found.ClientId == clientId)
            return found;

        _warnings.Add($"The job '{name}' used the app registration '{wanted}' with the client ID '{clientId}', which this store does not have; it was given a secret of its own.");
        return null;
    }

    private SecretReference Secret(JobFile.JobPart part, string name, string clientId, SyncJob? existing)
    {
        if (part.ClientSecret is { } written && (written.Kind is not (SecretKind.EnvironmentVariable or SecretKind.File or SecretKind.Vault) || string.IsNullOrWhiteSpace(written.Value)))
            throw Invalid("says where the client secret is in a way that is none");

        var given = _options.ClientSecret ?? (part.ClientSecret is { } stored ? SecretReference.FromStored(stored.Kind, stored.Value) : null);
        if (given is { } reference)
        {
            if (reference.Kind == SecretKind.EnvironmentVariable && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(reference.Value)))
                _warnings.Add($"The client secret of the job '{name}' is to be in the environment variable '{reference.Value}', which is not set here.");
            if (reference.Kind == SecretKind.File && !File.Exists(reference.FilePath))
                _warnings.Add($"The client secret of the job '{name}' is to be in the file '{reference.Value}', which is not there.");
            return reference;
        }

        if (existing is not null && existing.ClientId == clientId && existing.AppRegistration is null)
            return existing.ClientSecret;

        throw new AlloyScanException(
            ErrorKind.InvalidArgument, "SecretMissing", $"The exported job '{name}' comes without its client secret, which an export never holds.", name,
            "Give it with -Credential, say where it is with -ClientSecretVariable, -ClientSecretFile or -VaultSecret, or name an -AppRegistration of this store.");
    }

    private void Groups(SyncJob job)
    {
        var names = _file.UntrackedSoftwareGroups.Select(g => SoftwareGroups.Find(g) ?? throw Invalid($"names the software group '{g}', which does not exist"))
            .Distinct().Order(StringComparer.Ordinal).ToList();
        if (names.Count == SoftwareGroups.All.Count)
            throw Invalid("tracks no software group");

        var site = _session.Prepare("SELECT site_id FROM jobs WHERE id = @p0").Set(0, job.Id).Number()!.Value;
        var present = Groups(_session, site);
        if (names.SequenceEqual(present))
            return;

        if (present.Count > 0 || _session.Prepare("SELECT 1 FROM jobs WHERE site_id = @p0 AND id <> @p1").Set(0, site).Set(1, job.Id).Number() is not null)
            _overwritten.Add($"the tracked software groups of the site {job.Site}");
        _session.Execute("DELETE FROM untracked_groups WHERE site_id = @p0", site);
        foreach (var group in names)
            _session.Execute("INSERT INTO untracked_groups (site_id, software_group) VALUES (@p0, @p1)", site, group);
        _steps.Add($"track the software groups {string.Join(", ", SoftwareGroups.All.Except(names))} of the site {job.Site}");
    }

    private static List<string> Groups(StoreSession session, long site)
    {
        var result = new List<string>();
        using var reader = session.Prepare("SELECT software_group FROM untracked_groups WHERE site_id = @p0 ORDER BY software_group").Set(0, site).Read();
        while (reader.Read())
            result.Add(reader.GetString(0));
        return result;
    }

    private static List<JobFile.JunkPart> Junk(StoreSession session)
    {
        var result = new List<JobFile.JunkPart>();
        using var reader = session.Prepare("SELECT kind, value, note FROM junk_identifiers ORDER BY kind, value").Read();
        while (reader.Read())
        {
            var kind = (IdentifierKind)reader.GetInt32(0);
            var attribute = kind == IdentifierKind.WeakMacAddress ? IdentificationAttribute.MacAddress : (IdentificationAttribute)kind;
            result.Add(new JobFile.JunkPart(attribute, Identifiers.Display(kind, reader.GetString(1)), reader.Text(2)));
        }

        return result;
    }

    private AlloyScanException Invalid(string problem) =>
        new(ErrorKind.InvalidData, "InvalidJobFile", $"The exported job '{_file.Job!.Name}' {problem}.", _file.Job.Name, "Correct it, or export the job again.");
}
