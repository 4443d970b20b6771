using System.Globalization;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace AlloyScan.Engine.Jobs;

/// <summary>The JSON of an exported job: its settings, and what it uses of the store's. It never holds a secret.</summary>
internal sealed record JobFile
{
    public const string FormatName = "AlloyScanSyncJob";
    public const int NewestVersion = 1;

    /// <summary>Longest text that is read as exported jobs.</summary>
    private const int MaxLength = 64 * 1024 * 1024;

    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        Formatting = Formatting.Indented,
        NullValueHandling = NullValueHandling.Ignore,
        MissingMemberHandling = MissingMemberHandling.Error,
        DateParseHandling = DateParseHandling.None,
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false } },
        Converters = [new StringEnumConverter { AllowIntegerValues = false }],
    };

    /// <summary>Where the schema of the form is; editors write and read it, and nothing else does.</summary>
    [JsonProperty("$schema")]
    public string? Schema { get; init; }

    public string Format { get; init; } = FormatName;

    public int Version { get; init; } = NewestVersion;

    public JobPart? Job { get; init; }

    public IReadOnlyList<ActionPart> ServiceActions { get; init; } = [];

    public IReadOnlyList<FieldPart> CustomFields { get; init; } = [];

    /// <summary>The rules of both classes; <see langword="null"/> leaves those of the store.</summary>
    public JArray? IdentificationRules { get; init; }

    public IReadOnlyList<JunkPart> JunkIdentifiers { get; init; } = [];

    /// <summary>Software groups of the job's site that are not tracked.</summary>
    public IReadOnlyList<string> UntrackedSoftwareGroups { get; init; } = [];

    public string ToJson() => JsonConvert.SerializeObject(this, s_json);

    /// <summary>Reads an exported job.</summary>
    /// <exception cref="AlloyScanException">It is none (<c>NotAJobFile</c>), of a newer version (<c>JobFileTooNew</c>), or holds what this version does not know (<c>UnknownJobFileMember</c>) or cannot read (<c>InvalidJobFile</c>).</exception>
    public static JobFile Parse(string json)
    {
        CheckLength(json);
        JObject text;
        try
        {
            using var reader = new JsonTextReader(new StringReader(json)) { DateParseHandling = DateParseHandling.None, Culture = CultureInfo.InvariantCulture };
            text = JObject.Load(reader);
            if (reader.Read())
                throw new JsonReaderException("Something stands behind its end.");
        }
        catch (JsonException e)
        {
            throw IsOfSecret(e) ? PlainSecret() : NotAJobFile($"The text is no exported job: {e.Message}", e);
        }

        if ((string?)(text["format"] as JValue) != FormatName)
            throw NotAJobFile($"The text is no exported job: its format is not '{FormatName}'.");
        if (text["version"] is not JValue { Value: long version } || version < 1)
            throw NotAJobFile("The exported job does not say of which version it is.");
        if (version > NewestVersion)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "JobFileTooNew", $"The exported job has version {version}, and this module reads up to {NewestVersion}.", version, "Update the module, or export the job with this one.");
        }

        try
        {
            var file = text.ToObject<JobFile>(JsonSerializer.Create(s_json))!;
            // What is null in a list would be met far from here.
            if (file.Job is null || file.ServiceActions.Any(a => a?.Mappings is null || a.InitialValues is null || a.Mappings.Any(m => m?.Field is null)) || file.CustomFields.Any(f => f?.Name is null)
                || file.JunkIdentifiers.Any(j => j?.Value is null) || file.UntrackedSoftwareGroups.Any(g => g is null) || file.Job.SiteUrl is null || file.Job.ClientId is null || file.Job.Name is null)
            {
                throw new JsonSerializationException("A part is missing.");
            }

            return file;
        }
        catch (JsonSerializationException e) when (e.Message.StartsWith("Could not find member", StringComparison.Ordinal))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "UnknownJobFileMember", $"The exported job holds '{e.Path}', which this version does not know.", e.Path, "Correct the name, or take it out.", e);
        }
        catch (JsonException e) when (IsOfSecret(e))
        {
            throw PlainSecret();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or FormatException or OverflowException)
        {
            throw new AlloyScanException(ErrorKind.InvalidData, "InvalidJobFile", $"The exported job cannot be read: {e.Message}", null, "Correct it, or export the job again.", e);
        }
    }

    /// <summary>Takes texts apart that stand one behind the other.</summary>
    public static IEnumerable<string> Split(string text)
    {
        CheckLength(text);
        using var reader = new JsonTextReader(new StringReader(text)) { SupportMultipleContent = true, DateParseHandling = DateParseHandling.None, FloatParseHandling = FloatParseHandling.Decimal };
        var parts = new List<string>();
        try
        {
            while (reader.Read())
                parts.Add(JToken.ReadFrom(reader).ToString(Formatting.None));
        }
        catch (JsonException e)
        {
            throw IsOfSecret(e) ? PlainSecret() : NotAJobFile($"The text is no exported job: {e.Message}", e);
        }

        return parts.Count > 0 ? parts : throw NotAJobFile("There is no exported job in the text: it is empty.");
    }

    private static void CheckLength(string text)
    {
        if (text.Length > MaxLength)
            throw NotAJobFile($"The text is no exported job: it has more than {MaxLength / 1024 / 1024} MB.");
    }

    /// <summary>Whether an error is about the secret, in whose place somebody may have written one: the reader's message would quote it.</summary>
    private static bool IsOfSecret(JsonException e) => (e switch { JsonSerializationException s => s.Path, JsonReaderException r => r.Path, _ => null })
        ?.Contains("secret", StringComparison.OrdinalIgnoreCase) == true;

    private static AlloyScanException PlainSecret() => new(
        ErrorKind.InvalidData, "InvalidJobFile", "What the exported job says of its client secret cannot be read. It says where the secret is, and never the secret itself.", "clientSecret",
        "Write { \"kind\": \"EnvironmentVariable\", \"value\": NAME } or { \"kind\": \"File\", \"value\": PATH }, or leave it out and give the secret with the import.");

    private static AlloyScanException NotAJobFile(string message, Exception? inner = null) =>
        new(ErrorKind.InvalidData, "NotAJobFile", message, null, "Give what Export-AlloyScanSyncJob wrote.", inner);

    public sealed record JobPart
    {
        public string Name { get; init; } = string.Empty;

        public bool Enabled { get; init; } = true;

        public Uri? SiteUrl { get; init; }

        public string? ClientId { get; init; }

        /// <summary>Where the secret is; <see langword="null"/> when the job held it encrypted, which no other account could read.</summary>
        public SecretPart? ClientSecret { get; init; }

        /// <summary>Name of the app registration that client ID and secret come from; <see langword="null"/> when the job has a secret of its own.</summary>
        public string? AppRegistration { get; init; }

        public int NewComputerAction { get; init; } = 2943;

        public int ExistingComputerAction { get; init; } = 2944;

        public int NewHardwareAction { get; init; } = 2945;

        public int ExistingHardwareAction { get; init; } = 2946;

        public SoftwarePlatforms ImportSoftware { get; init; } = SoftwarePlatforms.All;

        public RetiredOriginal RetiredOriginal { get; init; }

        public MissingDevice MissingDevice { get; init; }

        public int RetireAfterRuns { get; init; } = 3;

        public int RetireAfterDays { get; init; } = 7;

        public DeletedRecord DeletedRecord { get; init; }

        public int StaleAfterDays { get; init; } = 30;

        public int MostCarriers { get; init; } = 3;

        public int ParkAfter { get; init; } = 5;

        public IReadOnlyList<string> IdentificationSites { get; init; } = [];

        public IReadOnlyDictionary<string, RecordClass> TypeMap { get; init; } = new Dictionary<string, RecordClass>();

        /// <summary>Limits of the guard; a kind that is absent has the default.</summary>
        public IReadOnlyDictionary<GuardKinds, GuardPart> GuardLimits { get; init; } = new Dictionary<GuardKinds, GuardPart>();

        public IReadOnlyList<string> GuardedFields { get; init; } = [];

        public int ThrottleLimit { get; init; } = Site.SiteConnectionOptions.DefaultThrottleLimit;

        public JToken? ApiProfile { get; init; }

        public string Target { get; init; } = "Built-in";

        /// <summary>When the job runs; <see langword="null"/> for by force only.</summary>
        public JToken? Schedule { get; init; }
    }

    public sealed record SecretPart(SecretKind Kind, string Value);

    public sealed record GuardPart(int Count, decimal Share);

    public sealed record ActionPart
    {
        public int Id { get; init; }

        public string Name { get; init; } = string.Empty;

        public RecordClass Class { get; init; }

        public ServiceActionKind Kind { get; init; }

        public IReadOnlyDictionary<string, string> InitialValues { get; init; } = new Dictionary<string, string>();

        public IReadOnlyList<FieldMapping> Mappings { get; init; } = [];
    }

    public sealed record FieldPart(RecordClass Class, string Name, FieldType Type);

    public sealed record JunkPart(IdentificationAttribute Attribute, string Value, string? Note);
}
