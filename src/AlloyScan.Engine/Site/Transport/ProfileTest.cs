using System.Text.Json;
using RestSharp;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>Reads one page, one device and one snapshot, and looks for each location of the profile in them.</summary>
internal sealed class ProfileTest(ApiProfile profile, SiteAddress address, SiteCaller caller)
{
    /// <summary>Devices that are asked for: one of them should have an audit.</summary>
    private const int MostDevices = 5;

    private readonly List<ApiProfileCheck> _checks = [];

    internal async Task<ApiProfileTestResult> RunAsync(CancellationToken cancellationToken)
    {
        JsonElement? row = null;
        JsonElement? device = null;
        JsonElement? snapshot = null;
        string? failure = null;
        try
        {
            JsonElement page = await ReadAsync(FirstPage(), "The device list cannot be read", cancellationToken).ConfigureAwait(false);
            Envelope(page);
            List<JsonElement> items = Items(page);
            if (items.Count == 0)
            {
                failure = "The site lists no device at the location of the items, so nothing else could be looked at.";
            }

            foreach (JsonElement item in items.Take(MostDevices))
            {
                row ??= item;
                if (Text(item, profile.Device["id"]) is not { } id)
                {
                    continue;
                }

                row = item;
                device = await ReadAsync(address.Url(profile.Paths.Device, id), $"Device '{id}' cannot be read", cancellationToken).ConfigureAwait(false);
                if (Text(device.Value, profile.Device["auditId"]) is { } audit)
                {
                    snapshot = await ReadAsync(address.Url(profile.Paths.Snapshot, audit), $"Audit snapshot '{audit}' cannot be read", cancellationToken).ConfigureAwait(false);
                    break;
                }
            }
        }
        catch (AlloyScanException e) when (e.Kind != ErrorKind.LimitsExceeded)
        {
            failure = e.MessageWithAdvice;
        }

        Section(profile.Device, "No device was read.", row, device);
        Section(profile.Snapshot, "No audit snapshot was read.", snapshot);
        Section(profile.Adapter, "No network adapter was read.", First(snapshot, profile.Snapshot["adapters"]));
        Section(profile.Software, "No installed product was read.", First(snapshot, profile.Snapshot["software"]));
        failure ??= Judge();
        return new ApiProfileTestResult(failure is null, failure, _checks);
    }

    private string? Judge()
    {
        foreach ((string section, string field) in (ReadOnlySpan<(string, string)>)[("envelope", "items"), ("device", "id"), ("device", "auditId"), ("snapshot", "id")])
        {
            if (!Has(section, field))
            {
                return $"{section}.{field} was not found.";
            }
        }

        if (!Has("envelope", "total") && !(profile.Paging.Style == PagingStyle.NextLink && Has("envelope", "nextLink")))
        {
            return "The list gives no total, and no link to a next page that would say where it ends.";
        }

        List<string> guessed = [.. _checks.Where(c => c.Verdict == LocationVerdict.Guessed).Select(c => $"{c.Section}.{c.Field} (is it {c.Detail}?)")];
        return guessed.Count == 0 ? null : $"Not at its location, but something of its name elsewhere: {string.Join(", ", guessed)}.";
    }

    private bool Has(string section, string field) => _checks.Exists(c => c.Section == section && c.Field == field && c.Verdict == LocationVerdict.Found);

    private string FirstPage()
    {
        string url = address.Url(profile.Paths.Devices);
        string limit = FormattableString.Invariant($"{profile.Paging.LimitParameter}={MostDevices}");
        string position = profile.Paging.Style switch
        {
            PagingStyle.Offset => $"&{profile.Paging.OffsetParameter}=0",
            PagingStyle.PageNumber => FormattableString.Invariant($"&{profile.Paging.PageParameter}={profile.Paging.FirstPage}"),
            _ => string.Empty,
        };
        return url + (url.Contains('?', StringComparison.Ordinal) ? '&' : '?') + limit + position;
    }

    private Task<JsonElement> ReadAsync(string url, string what, CancellationToken cancellationToken) =>
        caller.ReadAsync(new CallInfo(Method.Get, url, what) { NotFoundAdvice = "Check the paths of the API profile against the API document of the site's release." }, static (ref reader) => reader.Element(), cancellationToken);

    private void Envelope(JsonElement page)
    {
        ApiEnvelope envelope = profile.Envelope;
        if (envelope.Items.Length == 0)
        {
            bool isList = page.ValueKind == JsonValueKind.Array;
            _checks.Add(new ApiProfileCheck { Section = "envelope", Field = "items", Location = string.Empty, Verdict = isList ? LocationVerdict.Found : LocationVerdict.Missing, Detail = isList ? null : "The answer is no list." });
        }
        else
        {
            Add("envelope", "items", envelope.Items, null, page);
        }

        Add("envelope", "total", envelope.Total, null, page);
        Add("envelope", "nextLink", profile.Paging.Style == PagingStyle.NextLink ? envelope.NextLink : null, null, page);
    }

    private List<JsonElement> Items(JsonElement page) =>
        (profile.Envelope.Items.Length == 0 ? page : Find(page, profile.Envelope.Items)) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    private void Section(ApiLocations locations, string without, params ReadOnlySpan<JsonElement?> sources)
    {
        foreach ((string field, string? location) in locations)
        {
            Add(locations.Section, field, location, without, sources);
        }
    }

    private void Add(string section, string field, string? location, string? without, params ReadOnlySpan<JsonElement?> sources)
    {
        LocationVerdict verdict = location is null ? LocationVerdict.NotRead : LocationVerdict.NotTested;
        string? detail = location is null ? null : without;
        foreach (JsonElement? source in sources)
        {
            if (location is null || source is not { } json || verdict == LocationVerdict.Found)
            {
                continue;
            }

            (verdict, detail) = Find(json, location) is not null ? (LocationVerdict.Found, null)
                : verdict == LocationVerdict.Guessed ? (verdict, detail)
                : Guess(json, field, location) is { } place ? (LocationVerdict.Guessed, place)
                : (LocationVerdict.Missing, null);
        }

        _checks.Add(new ApiProfileCheck { Section = section, Field = field, Location = location, Verdict = verdict, Detail = detail });
    }

    private static JsonElement? First(JsonElement? source, string? location) =>
        source is { } json && location is not null && Find(json, location) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? list[0] : null;

    private static string? Text(JsonElement source, string? location) => location is null ? null : Find(source, location) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    private static JsonElement? Find(JsonElement source, string location)
    {
        JsonElement at = source;
        foreach (string name in ApiProfileJson.SplitLocation("location", location))
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at))
            {
                return null;
            }
        }

        return at;
    }

    /// <summary>Where a property stands whose name is that of the field, or of the end of its location if that is no name of all sorts of things.</summary>
    private static string? Guess(JsonElement source, string field, string location)
    {
        HashSet<string> names = LocationNames.Of(field, location);
        return names.Count == 0 ? null : Search(source, names, string.Empty, 0);
    }

    private static string? Search(JsonElement source, HashSet<string> names, string path, int depth)
    {
        if (source.ValueKind != JsonValueKind.Object || depth > 6)
        {
            return null;
        }

        foreach (JsonProperty property in source.EnumerateObject())
        {
            string here = (path.Length == 0 ? path : path + ".") + property.Name.Replace(".", "\\.", StringComparison.Ordinal);
            if (names.Contains(LocationNames.Plain(property.Name)))
            {
                return here;
            }

            if (Search(property.Value, names, here, depth + 1) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
