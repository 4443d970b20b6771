using System.Text.RegularExpressions;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>The junk identifiers of a store: the shipped list, the administrator's own, and what runs learned.</summary>
public sealed class JunkIdentifiers
{
    private const string Good = "It becomes good again by itself after three complete runs that find few enough carriers; a job can allow more of them.";

    private readonly AlloyStore _store;

    internal JunkIdentifiers(AlloyStore store) => _store = store;

    /// <summary>Junk identifiers by attribute: own ones first, then learned ones, then the shipped list.</summary>
    /// <param name="attribute">What they are values of; <see langword="null"/> for all.</param>
    /// <param name="source">Who says so; <see langword="null"/> for all.</param>
    /// <param name="valuePattern">A value in any form, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    /// <param name="site">Name of a site, for learned ones; <see langword="null"/> for all.</param>
    public IEnumerable<JunkIdentifier> List(IdentificationAttribute? attribute = null, JunkSource? source = null, string? valuePattern = null, string? site = null)
    {
        var fits = Matcher(valuePattern);
        if (source is null or JunkSource.Own && site is null)
        {
            foreach (var own in Read(OwnColumns, attribute, null).Where(j => fits(j)))
                yield return own;
        }

        if (source is null or JunkSource.Learned)
        {
            foreach (var learned in Read(LearnedColumns, attribute, site).Where(j => fits(j)))
                yield return learned;
        }

        if (source is null or JunkSource.Shipped && site is null)
        {
            foreach (var shipped in Shipped().Where(j => (attribute is null || j.Attribute == attribute) && fits(j)))
                yield return shipped;
        }
    }

    /// <summary>The devices that carry a junk identifier: linked ones, and open conflicts.</summary>
    /// <param name="junk">The junk identifier. Shipped ones give none, since no CI keeps them for comparing.</param>
    public IEnumerable<JunkCarrier> Carriers(JunkIdentifier junk)
    {
        ArgumentNullException.ThrowIfNull(junk);
        var kind = (IdentifierKind)junk.Attribute;
        return junk.Source == JunkSource.Shipped
            ? []
            : _store.Stream<CarrierRow>(
                """
                SELECT s.name AS Site, l.device_id AS DeviceId, r.name AS Name, r.class AS Class, r.number AS Number
                FROM record_identifiers i JOIN links l ON l.record = i.record AND l.state = 1 JOIN records r ON r.id = i.record JOIN sites s ON s.id = l.site_id
                WHERE i.kind IN (@kind, @weak) AND i.value = @value AND (@site IS NULL OR lower(s.name) = lower(@site))
                UNION SELECT s.name, c.device_id, c.device_name, NULL, NULL
                FROM conflict_identifiers i JOIN conflicts c ON c.id = i.conflict AND c.state = 'Open' AND c.kind = 'Unlinked' JOIN sites s ON s.id = c.site_id
                WHERE i.kind IN (@kind, @weak) AND i.value = @value AND (@site IS NULL OR lower(s.name) = lower(@site))
                ORDER BY 1, 2
                """,
                new { kind = (int)kind, weak = (int)Weak(kind), value = Identifiers.Normalise(kind, junk.Value), site = junk.Site })
                .Select(row => new JunkCarrier
                {
                    Attribute = junk.Attribute,
                    Value = junk.Value,
                    Site = row.Site,
                    DeviceId = row.DeviceId,
                    DeviceName = row.Name,
                    RecordId = row.Class is { } c && row.Number is { } n ? RunContext.RecordId((RecordClass)c, n) : null,
                });
    }

    /// <summary>Adds a value to the administrator's own. It counts as blank from the next run on.</summary>
    /// <param name="attribute">What it is a value of.</param>
    /// <param name="value">The value as a whole, in any form.</param>
    /// <param name="note">Why.</param>
    /// <returns>The entry, with how many CIs and live links hold the value.</returns>
    /// <exception cref="AlloyScanException">It is blank or malformed or not of that attribute (<c>InvalidJunkIdentifier</c>), or on the list already (<c>JunkIdentifierExists</c>).</exception>
    public JunkIdentifier Add(IdentificationAttribute attribute, string value, string? note = null)
    {
        var (kind, normal) = Normalise(attribute, value);
        if (normal is null)
            throw Exists(attribute, value, "the shipped list has it");

        using var session = _store.NewSession();
        var added = session.Prepare("INSERT INTO junk_identifiers (kind, value, note, created_at) VALUES (@p0, @p1, @p2, @p3) ON CONFLICT DO NOTHING")
            .Set(0, (int)kind).Set(1, normal).Set(2, string.IsNullOrWhiteSpace(note) ? null : note.Trim()).Set(3, _store.TimeProvider.NowMilliseconds()).Execute();
        return added == 0 ? throw Exists(attribute, value, "it was added before") : Own(attribute, kind, normal)!;
    }

    /// <summary>Removes one of the administrator's own values. It counts again from the next run on.</summary>
    /// <param name="attribute">What it is a value of.</param>
    /// <param name="value">The value, in any form.</param>
    /// <exception cref="AlloyScanException">It is on the shipped list (<c>JunkIdentifierShipped</c>) or learned (<c>JunkIdentifierLearned</c>), or on none (<c>JunkIdentifierNotFound</c>).</exception>
    public void Remove(IdentificationAttribute attribute, string value)
    {
        var own = Find(attribute, value);
        using var session = _store.NewSession();
        session.Execute("DELETE FROM junk_identifiers WHERE kind = @p0 AND value = @p1", (int)own.Attribute, Identifiers.Normalise((IdentifierKind)own.Attribute, own.Value));
    }

    /// <summary>One of the administrator's own values.</summary>
    /// <param name="attribute">What it is a value of.</param>
    /// <param name="value">The value, in any form.</param>
    /// <exception cref="AlloyScanException">As <see cref="Remove"/>.</exception>
    public JunkIdentifier Find(IdentificationAttribute attribute, string value)
    {
        if (Shipped().Any(j => j.Attribute == attribute && j.Value == value))
            throw IsShipped(attribute, value);

        var (kind, normal) = Normalise(attribute, value);
        if (normal is null)
            throw IsShipped(attribute, value);
        if (Own(attribute, kind, normal) is { } own)
            return own;

        if (Read(LearnedColumns, attribute, null).FirstOrDefault(j => Identifiers.Normalise(kind, j.Value) == normal) is { } learned)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "JunkIdentifierLearned",
                $"The {attribute} '{value}' is junk because {learned.Carriers} devices of the site '{learned.Site}' carry it, so it cannot be removed by hand.", value, Good);
        }

        throw new AlloyScanException(
            ErrorKind.NotFound, "JunkIdentifierNotFound", $"The {attribute} '{value}' is on no list of junk.", value, "Get-AlloyScanJunkIdentifier -Source Own shows what can be removed.");
    }

    private const string OwnColumns = """
        SELECT j.kind AS Kind, j.value AS Value, j.note AS Note, NULL AS Site, NULL AS Carriers, NULL AS GoodRuns, j.created_at AS Since,
            (SELECT count(DISTINCT i.record) FROM record_identifiers i WHERE i.kind IN (j.kind, CASE j.kind WHEN 3 THEN 6 ELSE j.kind END) AND i.value = j.value) AS Records,
            (SELECT count(DISTINCT i.record) FROM record_identifiers i JOIN links l ON l.record = i.record AND l.state = 1
             WHERE i.kind IN (j.kind, CASE j.kind WHEN 3 THEN 6 ELSE j.kind END) AND i.value = j.value) AS LiveLinks
        FROM junk_identifiers j WHERE (@kind IS NULL OR j.kind IN (@kind, @weak)) AND (@value IS NULL OR j.value = @value) AND @site IS NULL ORDER BY j.kind, j.value
        """;

    private const string LearnedColumns = """
        SELECT j.kind AS Kind, j.value AS Value, NULL AS Note, s.name AS Site, j.carriers AS Carriers, j.good_runs AS GoodRuns, j.learned_at AS Since,
            (SELECT count(*) FROM record_identifiers i WHERE i.kind = j.kind AND i.value = j.value) AS Records,
            (SELECT count(*) FROM record_identifiers i JOIN links l ON l.record = i.record AND l.state = 1 AND l.site_id = j.site_id WHERE i.kind = j.kind AND i.value = j.value) AS LiveLinks
        FROM learned_junk j JOIN sites s ON s.id = j.site_id
        WHERE (@kind IS NULL OR j.kind IN (@kind, @weak)) AND (@value IS NULL OR j.value = @value) AND (@site IS NULL OR lower(s.name) = lower(@site)) ORDER BY lower(s.name), j.kind, j.value
        """;

    private IEnumerable<JunkIdentifier> Read(string sql, IdentificationAttribute? attribute, string? site, string? value = null)
    {
        var kind = (IdentifierKind?)attribute;
        return _store.Stream<JunkRow>(sql, new { kind = (int?)kind, weak = kind is { } k ? (int?)Weak(k) : null, value, site }).Select(row => new JunkIdentifier
        {
            Attribute = Attribute((IdentifierKind)row.Kind),
            Value = Identifiers.Display((IdentifierKind)row.Kind, row.Value),
            Source = row.Site is null ? JunkSource.Own : JunkSource.Learned,
            Effect = JunkEffect.Blank,
            Note = row.Note,
            Site = row.Site,
            Carriers = (int?)row.Carriers,
            GoodRuns = (int?)row.GoodRuns,
            Since = Clock.Time(row.Since),
            Records = (int?)row.Records,
            LiveLinks = (int?)row.LiveLinks,
        });
    }

    private static IEnumerable<JunkIdentifier> Shipped() => ShippedJunk.All().Select(j => new JunkIdentifier
    {
        Attribute = Attribute(j.Kind),
        Value = Identifiers.Display(j.Kind, j.Value),
        Source = JunkSource.Shipped,
        Effect = j.Blank ? JunkEffect.Blank : JunkEffect.NeverAlone,
        Note = j.Note,
    });

    private JunkIdentifier? Own(IdentificationAttribute attribute, IdentifierKind kind, string normal) =>
        Read(OwnColumns, attribute, null, normal).FirstOrDefault(j => Identifiers.Normalise(kind, j.Value) == normal);

    private static (IdentifierKind Kind, string? Normal) Normalise(IdentificationAttribute attribute, string? value)
    {
        if (attribute == IdentificationAttribute.AuditId || !Enum.IsDefined(attribute))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidJunkIdentifier", $"A value of {attribute} cannot be junk.", value,
                "Name one of: Name, SerialNumber, MacAddress, BiosUuid, AssetTag.");
        }

        var kind = (IdentifierKind)attribute;
        if (string.IsNullOrWhiteSpace(value))
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJunkIdentifier", $"The {attribute} is blank.", value, "Blanks identify nothing anyway. Give the whole value.");
        if (!Identifiers.IsWellFormed(kind, value))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidJunkIdentifier", $"'{value}' is no {attribute}.", value,
                attribute switch
                {
                    IdentificationAttribute.MacAddress => "A MAC address has twelve hexadecimal digits, as in 00:1A:2B:3C:4D:5E.",
                    IdentificationAttribute.BiosUuid => "A BIOS UUID has 32 hexadecimal digits.",
                    _ => "Give the whole value.",
                });
        }

        return (kind, Identifiers.Normalise(kind, value));
    }

    private static Func<JunkIdentifier, bool> Matcher(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern))
            return _ => true;

        var like = new Regex(
            $"^{Regex.Escape(pattern.Trim()).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal)}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        // A value may be given in another form than the one that is listed.
        return junk => like.IsMatch(junk.Value)
            || (junk.Source != JunkSource.Shipped && Identifiers.Normalise((IdentifierKind)junk.Attribute, pattern) is { } normal && normal == Identifiers.Normalise((IdentifierKind)junk.Attribute, junk.Value));
    }

    private static IdentificationAttribute Attribute(IdentifierKind kind) => kind == IdentifierKind.WeakMacAddress ? IdentificationAttribute.MacAddress : (IdentificationAttribute)kind;

    private static IdentifierKind Weak(IdentifierKind kind) => kind == IdentifierKind.MacAddress ? IdentifierKind.WeakMacAddress : kind;

    private static AlloyScanException Exists(IdentificationAttribute attribute, string value, string why) => new(
        ErrorKind.AlreadyExists, "JunkIdentifierExists", $"The {attribute} '{value}' is junk already: {why}.", value, "Nothing is left to do.");

    private static AlloyScanException IsShipped(IdentificationAttribute attribute, string value) => new(
        ErrorKind.InvalidArgument, "JunkIdentifierShipped", $"The {attribute} '{value}' is on the shipped list of junk, which cannot be changed.", value,
        "If it is the real value of one machine, link that machine by hand, or set another identifier on it.");

    private sealed class JunkRow
    {
        public long Kind { get; set; }

        public string Value { get; set; } = string.Empty;

        public string? Note { get; set; }

        public string? Site { get; set; }

        public long? Carriers { get; set; }

        public long? GoodRuns { get; set; }

        public long Since { get; set; }

        public long? Records { get; set; }

        public long? LiveLinks { get; set; }
    }

    private sealed class CarrierRow
    {
        public string Site { get; set; } = string.Empty;

        public string DeviceId { get; set; } = string.Empty;

        public string? Name { get; set; }

        public long? Class { get; set; }

        public long? Number { get; set; }
    }
}
