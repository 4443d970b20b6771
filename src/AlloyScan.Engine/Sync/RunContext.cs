using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync;

/// <summary>Counters of a run. A struct, so that a batch that fails can be taken back with one assignment.</summary>
internal struct RunCounts
{
    public int DevicesRead, Created, Updated, Unchanged, Conflicts, Missing, Retired, DeletedInAlloyScan;
    public int InstallationsAdded, InstallationsRemoved, ProductsAdded, ProductsRemoved, NamelessSoftware, Unsettled, Skipped, Parked, Held, Errors;
}

/// <summary>What all stages of one run share.</summary>
internal sealed class RunContext
{
    /// <summary>The built-in CMDB.</summary>
    public const long BuiltInTarget = 1;

    private readonly Dictionary<(RecordClass, ServiceActionKind), FieldMapper> _mappers;
    private readonly Dictionary<string, RecordClass> _types = new(StringComparer.OrdinalIgnoreCase);
    private readonly StableHash _settings;

    public RunContext(StoreSession session, SyncJob job, long siteId, SyncMode mode, ISyncObserver observer, TimeProvider timeProvider)
    {
        Session = session;
        Job = job;
        SiteId = siteId;
        Mode = mode;
        Observer = observer;
        TimeProvider = timeProvider;
        Schema = CmdbSchema.Load(session);
        _mappers = new Dictionary<(RecordClass, ServiceActionKind), FieldMapper>
        {
            [(RecordClass.Computer, ServiceActionKind.Create)] = Mapper(job.NewComputerAction, RecordClass.Computer, ServiceActionKind.Create),
            [(RecordClass.Computer, ServiceActionKind.Update)] = Mapper(job.ExistingComputerAction, RecordClass.Computer, ServiceActionKind.Update),
            [(RecordClass.Hardware, ServiceActionKind.Create)] = Mapper(job.NewHardwareAction, RecordClass.Hardware, ServiceActionKind.Create),
            [(RecordClass.Hardware, ServiceActionKind.Update)] = Mapper(job.ExistingHardwareAction, RecordClass.Hardware, ServiceActionKind.Update),
        };

        foreach (var (type, recordClass) in job.TypeMap)
            _types[type.Trim()] = recordClass;

        var hash = new StableHash();
        foreach (var mapper in _mappers.Values)
            hash.Add(ServiceActions.Definition(mapper.Action));
        hash.Add((long)job.ImportSoftware);
        _settings = hash;
        SoftwareGroups = SoftwareGroups.Load(session, siteId);
        SettleFingerprint();
    }

    public StoreSession Session { get; }

    public SyncJob Job { get; }

    public long SiteId { get; }

    public long TargetId { get; } = BuiltInTarget;

    public SyncMode Mode { get; }

    /// <summary>Whether changes are written to the CMDB.</summary>
    public bool Applying => Mode == SyncMode.Apply;

    /// <summary>The fields of CIs as they were when the run began.</summary>
    public CmdbSchema Schema { get; }

    public ISyncObserver Observer { get; }

    public TimeProvider TimeProvider { get; }

    /// <summary>The software groups of the site that are tracked, and the products in them as far as they are read.</summary>
    public SoftwareGroups SoftwareGroups { get; }

    /// <summary>Of what shapes what a link holds: mappings, software choice, and the products that the choice of groups leaves out.</summary>
    public long Fingerprint { get; private set; }

    /// <summary>Of the settings that shape a plan: those of links, and the type map, which only new links follow.</summary>
    public long PlanFingerprint { get; private set; }

    /// <summary>The newest <c>lastSeen</c> that the site gave any device, in milliseconds.</summary>
    public long? NewestSeen { get; private set; }

    /// <summary>Whether changes were planned that the CMDB does not hold, or not yet; they stand in temporary tables beside it.</summary>
    public bool AnyPlanned { get; set; }

    /// <summary>Whether software may leave computers. Not on the word of a site that is not to be believed.</summary>
    public bool RemovalsAllowed { get; set; } = true;

    /// <summary>Whether a device for which a CI is created may have had a link before; then it is looked for.</summary>
    public bool MayHaveFormerLinks { get; set; } = true;

    public long RunId { get; set; }

    /// <summary>Counts what the registration spends; <see langword="null"/> at a site that the store does not know yet.</summary>
    public RegistrationMeter? Meter { get; set; }

    /// <summary>Public so that a batch can keep a copy and put it back.</summary>
    public RunCounts Counts;

    public FieldMapper Mapper(RecordClass recordClass, ServiceActionKind kind) => _mappers[(recordClass, kind)];

    /// <summary>What sources gave that their fields could not hold, in sentences.</summary>
    public IEnumerable<string> UnfitValues() => _mappers.Values.SelectMany(mapper => mapper.Unfit.Select(unfit =>
        $"{unfit.Value.Count} {(unfit.Value.Count == 1 ? "value" : "values")} for the field '{unfit.Key.Name}' of {mapper.Action.Class} did not fit and left it as it was, for example '{unfit.Value.Example}' of {unfit.Value.DeviceName}: the field holds {FieldValues.Describe(unfit.Key.Type, whole: !unfit.Key.IsCustom)}."));

    /// <summary>Has the mappers keep quiet about values that do not fit, when what was mapped once is mapped again.</summary>
    public void MuteMappers()
    {
        foreach (var mapper in _mappers.Values)
            mapper.IsMute = true;
    }

    /// <summary>Whether software of this platform is imported.</summary>
    public bool ImportsSoftware(string? platform) => (Job.ImportSoftware & DeviceTypes.SoftwarePlatform(platform)) != 0;

    /// <summary>Takes in when the site last saw some device. A time that is yet to come says nothing.</summary>
    public void NoteSeen(long? lastSeen)
    {
        if (lastSeen is { } seen && !(seen <= NewestSeen) && seen <= TimeProvider.NowMilliseconds() + (long)TimeSpan.FromDays(1).TotalMilliseconds)
            NewestSeen = seen;
    }

    /// <summary>Whether a device was last seen so long before the newest of the site that it counts as gone. Without a time it never does.</summary>
    public bool IsStale(long? lastSeen) => lastSeen <= StaleSince;

    /// <summary>The time at or before which a device has to have been seen last to be stale; <see langword="null"/> when that is not known.</summary>
    public long? StaleSince => NewestSeen - (long)TimeSpan.FromDays(Job.StaleAfterDays).TotalMilliseconds;

    /// <summary>What a device type means to this job.</summary>
    public DeviceTypes.Meaning MeaningOf(string? type) => type is null || !_types.TryGetValue(type.Trim(), out var mapped)
        ? DeviceTypes.Of(type)
        : mapped == RecordClass.Computer ? DeviceTypes.Meaning.Computer : DeviceTypes.Meaning.Hardware;

    /// <summary>Takes the products that were read into the fingerprints.</summary>
    public void SettleFingerprint()
    {
        var hash = _settings;
        SoftwareGroups.AddTo(ref hash);
        Fingerprint = hash.Value;
        foreach (var (type, recordClass) in _types.OrderBy(t => t.Key, StringComparer.OrdinalIgnoreCase))
        {
            hash.Add(type.ToUpperInvariant());
            hash.Add((long)recordClass);
        }

        PlanFingerprint = hash.Value;
    }

    public static string RecordId(RecordClass recordClass, long number) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(recordClass == RecordClass.Computer ? 'C' : 'H')}{number:000000}");

    private FieldMapper Mapper(int id, RecordClass recordClass, ServiceActionKind kind) => new(ServiceActions.Resolve(Session, id, recordClass, kind, Schema), Schema);
}
