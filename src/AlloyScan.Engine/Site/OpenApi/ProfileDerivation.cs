using System.Globalization;

namespace AlloyScan.Engine.Site.OpenApi;

/// <summary>
/// Makes a profile from a description: what the documented API has and the description too is found, what stands under a like name is
/// guessed, and where the description says nothing the default stays.
/// </summary>
internal sealed class ProfileDerivation(ApiDescription api)
{
    private const int SearchDepth = 5;

    /// <summary>Other names of fields, by section and field, in plain letters.</summary>
    private static readonly Dictionary<string, string[]> s_otherNames = new(StringComparer.Ordinal)
    {
        ["envelope.items"] = ["items", "data", "results", "value", "values", "records", "rows", "content", "devices", "list", "elements", "entries"],
        ["envelope.total"] = ["total", "totalcount", "totalitems", "totalelements", "totalresults", "totalrecords", "recordstotal", "itemcount", "@odata.count"],
        ["envelope.nextLink"] = ["next", "nextlink", "nextpage", "nexturl", "nextpageurl", "nexthref", "@odata.nextlink"],
        ["device.id"] = ["deviceid", "uuid", "guid"],
        ["device.name"] = ["devicename", "computername", "displayname"],
        ["device.dnsName"] = ["fqdn", "hostname", "dns"],
        ["device.macAddress"] = ["mac", "primarymac"],
        ["device.ipAddress"] = ["ip", "primaryip", "ipv4"],
        ["device.serialNumber"] = ["serial", "serialno"],
        ["device.assetTag"] = ["assetnumber", "inventorynumber"],
        ["device.type"] = ["devicetype", "kind", "category"],
        ["device.lastSeen"] = ["lastseenat", "lastcontact", "lastonline"],
        ["device.tags"] = ["labels"],
        ["device.auditId"] = ["snapshotid", "lastauditid", "latestauditid", "lastsnapshotid"],
        ["device.auditDate"] = ["snapshotdate", "lastauditdate", "lastaudit", "auditedat"],
        ["device.osPlatform"] = ["platform", "osfamily", "ostype"],
        ["tag.id"] = ["tagid"],
        ["tag.name"] = ["tagname", "label", "title"],
        ["snapshot.id"] = ["snapshotid", "auditid"],
        ["snapshot.manufacturer"] = ["vendor", "maker"],
        ["snapshot.model"] = ["modelname", "productname"],
        ["snapshot.serialNumber"] = ["serial", "serialno"],
        ["snapshot.biosUuid"] = ["uuid", "systemuuid", "smbiosuuid"],
        ["snapshot.chassis"] = ["chassistype", "formfactor"],
        ["snapshot.cpuName"] = ["processorname", "processor", "cpumodel"],
        ["snapshot.cpuCores"] = ["corecount", "processorcores"],
        ["snapshot.memoryBytes"] = ["totalmemory", "rambytes", "physicalmemory"],
        ["snapshot.osPlatform"] = ["osfamily", "ostype"],
        ["snapshot.osVersion"] = ["versionnumber"],
        ["snapshot.hostName"] = ["computername", "dnshostname"],
        ["snapshot.domain"] = ["domainname", "workgroup"],
        ["snapshot.adapters"] = ["networkadapters", "nics", "interfaces"],
        ["snapshot.userLogin"] = ["username", "loginname"],
        ["snapshot.userEmail"] = ["mail", "emailaddress"],
        ["snapshot.software"] = ["installedsoftware", "applications", "programs", "installations"],
        ["snapshot.custom"] = ["customfields", "customattributes"],
        ["adapter.name"] = ["adaptername", "description"],
        ["adapter.macAddress"] = ["mac", "physicaladdress"],
        ["adapter.ipAddresses"] = ["ips", "addresses"],
        ["adapter.virtual"] = ["isvirtual"],
        ["software.name"] = ["productname", "title", "displayname"],
        ["software.version"] = ["productversion", "displayversion"],
        ["software.publisher"] = ["vendor", "manufacturer"],
        ["software.installDate"] = ["installedon", "installedat"],
        ["software.installKey"] = ["licensekey", "productkey"],
        ["software.serialNumber"] = ["serial"],
        ["product.id"] = ["productid", "softwareid"],
        ["product.name"] = ["productname", "title"],
        ["product.version"] = ["productversion"],
        ["product.publisher"] = ["vendor", "manufacturer"],
        ["product.softwareGroup"] = ["group", "category"],
        ["product.installations"] = ["installationcount", "installcount"],
    };

    private static readonly string[] s_devices = ["devices", "computers", "machines", "assets", "endpoints", "hosts"];
    private static readonly string[] s_snapshots = ["snapshots", "auditsnapshots", "audits"];
    private static readonly string[] s_software = ["software", "softwareproducts", "softwarecatalog", "applications", "products"];
    private static readonly string[] s_limits = ["limit", "pagesize", "perpage", "take", "top", "$top", "size", "maxresults", "count"];
    private static readonly string[] s_offsets = ["offset", "skip", "$skip", "start", "startindex"];
    private static readonly string[] s_pages = ["page", "pagenumber", "pageindex", "pageno"];

    private readonly List<ApiProfileCheck> _checks = [];
    private readonly List<string> _remarks = [.. api.Remarks];
    private ApiProfile _profile = ApiProfile.Default;

    /// <exception cref="AlloyScanException">The description is of something else (<c>OpenApiWithoutDevices</c>).</exception>
    public DerivedApiProfile Derive()
    {
        var defaults = ApiProfile.Default;
        var devices = Call(c => c.Method == "GET" && c.Ids == 0 && HasList(c.Answer), defaults.Paths.Devices, s_devices, c => c.LastName)
            ?? throw new AlloyScanException(
                ErrorKind.InvalidData, "OpenApiWithoutDevices", "The OpenAPI document describes no list of devices.", null,
                "Give the document of the AlloyScan API; a site may publish several. Else write the profile by hand, and see with Test-AlloyScanApiProfile what it lacks.");
        Tokens();
        Path("devices", devices, defaults.Paths.Devices, path => _profile.Paths with { Devices = path });
        var device = Call(c => c.Method == "GET" && c.Ids == 1 && c.IsOfOne, devices.Path + "/{id}", s_devices, c => LastOf(c.Parent));
        Path("device", device, defaults.Paths.Device, path => _profile.Paths with { Device = path });
        Path("deviceSnapshots", Call(c => c.Method == "GET" && c.Ids == 1 && c.Parent == device?.Path, defaults.Paths.DeviceSnapshots, s_snapshots, c => c.LastName), defaults.Paths.DeviceSnapshots, path => _profile.Paths with { DeviceSnapshots = path });
        var snapshot = Call(c => c.Method == "GET" && c.Ids == 1 && c.IsOfOne && c.Path != device?.Path, defaults.Paths.Snapshot, s_snapshots, c => LastOf(c.Parent));
        Path("snapshot", snapshot, defaults.Paths.Snapshot, path => _profile.Paths with { Snapshot = path });
        var software = Call(c => c.Method == "GET" && c.Ids == 0 && c.Path != devices.Path && HasList(c.Answer), defaults.Paths.Software, s_software, c => c.LastName);
        Path("software", software, defaults.Paths.Software, path => _profile.Paths with { Software = path });
        Path("deleteDevice", Call(c => c.Method == "DELETE" && c.Ids == 1 && c.IsOfOne, device?.Path ?? defaults.Paths.DeleteDevice, s_devices, c => LastOf(c.Parent)), defaults.Paths.DeleteDevice, path => _profile.Paths with { DeleteDevice = path });

        var row = Envelope(devices.Answer);
        Paging(devices);
        var details = device?.Answer;
        Section(_profile.Device, (p, l) => p with { Device = l }, "the device", row, details);
        Section(_profile.Tag, (p, l) => p with { Tag = l }, "a tag", ItemAt(row, _profile.Device["tags"]) ?? ItemAt(details, _profile.Device["tags"]));
        Section(_profile.Snapshot, (p, l) => p with { Snapshot = l }, "an audit snapshot", snapshot?.Answer);
        Section(_profile.Adapter, (p, l) => p with { Adapter = l }, "a network adapter", ItemAt(snapshot?.Answer, _profile.Snapshot["adapters"]));
        Section(_profile.Software, (p, l) => p with { Software = l }, "an installed product", ItemAt(snapshot?.Answer, _profile.Snapshot["software"]));
        Section(_profile.Product, (p, l) => p with { Product = l }, "a product of the catalog", ItemAt(software?.Answer, _profile.Envelope.Items));
        return new DerivedApiProfile(_profile, _checks, _remarks);
    }

    /// <summary>The call that fits best: the one at the expected path, else the one of the best name; of two of the same name the shorter path.</summary>
    private DescribedCall? Call(Func<DescribedCall, bool> fits, string expected, string[] names, Func<DescribedCall, string> nameOf) => api.Operations
        .Select(call => (Call: call, Rank: call.Path == expected ? -1 : Array.IndexOf(names, nameOf(call))))
        .Where(found => (found.Rank >= 0 || found.Call.Path == expected) && fits(found.Call))
        .OrderBy(found => found.Rank).ThenBy(found => found.Call.Path.Length).ThenBy(found => found.Call.Path, StringComparer.Ordinal)
        .Select(found => found.Call).FirstOrDefault();

    private static string LastOf(string path) => LocationNames.Plain(path[(path.LastIndexOf('/') + 1)..]);

    private void Path(string field, DescribedCall? call, string expected, Func<string, ApiPaths> with)
    {
        if (call is null)
        {
            Add("paths", field, expected, LocationVerdict.Missing, null);
            return;
        }

        if (call.Path == expected)
            Add("paths", field, expected, LocationVerdict.Found, null);
        else if (Try(_profile with { Paths = with(call.Path) }))
            Add("paths", field, call.Path, LocationVerdict.Guessed, $"in place of {expected}");
        else
            Add("paths", field, expected, LocationVerdict.Missing, "What fits in the document is no path that a profile can have.");
        if (call.Query.Where(p => p.Required && !IsPaging(p.Name)).Select(p => p.Name).ToList() is { Count: > 0 } required)
            _remarks.Add($"{call.Method} {call.Path} needs {string.Join(", ", required.Select(name => $"'{name}'"))} in its query, which is not sent: write it into paths.{field} of the profile, behind a '?'.");
    }

    private void Tokens()
    {
        var expected = ApiProfile.Default.Paths.Token;
        var path = api.TokenPaths.Contains(expected) ? expected
            : api.TokenPaths is [var first, ..] ? first
            : Call(c => c.Method == "POST" && c.Ids == 0, expected, ["token"], c => c.LastName)?.Path;
        if (path is null)
            Add("paths", "token", expected, LocationVerdict.Missing, null);
        else if (path == expected)
            Add("paths", "token", expected, LocationVerdict.Found, null);
        else if (Try(_profile with { Paths = _profile.Paths with { Token = path } }))
            Add("paths", "token", path, LocationVerdict.Guessed, $"in place of {expected}");
        else
            Add("paths", "token", expected, LocationVerdict.Missing, "What fits in the document is no path that a profile can have.");
    }

    /// <summary>Where lists have their parts. Gives the shape of an item of the list of devices.</summary>
    private DescribedShape? Envelope(DescribedShape? answer)
    {
        var defaults = ApiProfile.Default.Envelope;
        if (answer is null)
            return null;

        DescribedShape? row;
        if (answer.Item is { } direct)
        {
            Try(_profile with { Envelope = _profile.Envelope with { Items = string.Empty, Total = null } });
            Add("envelope", "items", string.Empty, LocationVerdict.Guessed, "The answer itself is the list.");
            _remarks.Add("The list says neither how long it is nor where it ends, as far as the document tells: on such a profile nothing is marked missing.");
            return direct;
        }

        var places = answer.Within(3).ToList();
        var names = s_otherNames["envelope.items"];
        var items = answer.At(defaults.Items)?.Item is not null ? defaults.Items
            : places.Where(p => p.Shape.Item is not null).OrderBy(p => Array.IndexOf(names, LocationNames.Plain(p.Name)) is >= 0 and var rank ? rank : names.Length).Select(p => p.Location).FirstOrDefault();
        row = Place("items", defaults.Items, items, l => _profile.Envelope with { Items = l }) is { } at ? answer.At(at)?.Item : null;
        Place("total", defaults.Total!, Named("total", s => s.IsNumber), l => _profile.Envelope with { Total = l });
        Place("nextLink", defaults.NextLink!, Named("nextLink", s => s.Item is null && !s.IsNumber && s.Members.Count == 0), l => _profile.Envelope with { NextLink = l });
        return row;

        string? Named(string field, Func<DescribedShape, bool> fits) => places
            .Select(p => (p.Location, p.Shape, Rank: Array.IndexOf(s_otherNames["envelope." + field], LocationNames.Plain(p.Name))))
            .Where(p => p.Rank >= 0 && fits(p.Shape)).OrderBy(p => p.Rank).Select(p => p.Location).FirstOrDefault();

        string? Place(string field, string expected, string? found, Func<string, ApiEnvelope> with)
        {
            if (found is not null && found != expected && Try(_profile with { Envelope = with(found) }))
            {
                Add("envelope", field, found, LocationVerdict.Guessed, $"in place of {expected}");
                return found;
            }

            Add("envelope", field, expected, found == expected ? LocationVerdict.Found : LocationVerdict.Missing, null);
            return found == expected ? found : null;
        }
    }

    private static bool IsPaging(string name) => LocationNames.Plain(name) is var plain && (s_limits.Contains(plain) || s_offsets.Contains(plain) || s_pages.Contains(plain));

    private void Paging(DescribedCall devices)
    {
        var paging = ApiProfile.Default.Paging;
        var (limit, offset, page) = (Of(s_limits), Of(s_offsets), Of(s_pages));
        var hasLink = _checks.Exists(c => c is { Section: "envelope", Field: "nextLink", Verdict: not LocationVerdict.Missing });
        var style = offset is not null ? PagingStyle.Offset : page is not null ? PagingStyle.PageNumber : hasLink ? PagingStyle.NextLink : paging.Style;
        Set("style", style.ToString(), (offset ?? page) is null && !hasLink ? null : style == paging.Style ? paging.Style.ToString() : style.ToString(), paging.Style.ToString(), p => p with { Style = style });
        Set("limitParameter", limit?.Name ?? paging.LimitParameter, limit?.Name, paging.LimitParameter, p => p with { LimitParameter = limit!.Name });
        if (limit?.Most is > 0 and < ApiPaging.DefaultPageSize and var most)
            Set("pageSize", most.ToString(CultureInfo.InvariantCulture), most.ToString(CultureInfo.InvariantCulture), ApiPaging.DefaultPageSize.ToString(CultureInfo.InvariantCulture), p => p with { PageSize = most });
        if (style == PagingStyle.Offset)
            Set("offsetParameter", offset?.Name ?? paging.OffsetParameter, offset?.Name, paging.OffsetParameter, p => p with { OffsetParameter = offset!.Name });
        if (style == PagingStyle.PageNumber)
        {
            Set("pageParameter", page!.Name, page.Name, paging.PageParameter, p => p with { PageParameter = page.Name });
            if (page.Least == 0)
                Set("firstPage", "0", "0", "1", p => p with { FirstPage = 0 });
        }

        DescribedParameter? Of(string[] names) => devices.Query.Select(p => (Parameter: p, Rank: Array.IndexOf(names, LocationNames.Plain(p.Name)))).Where(p => p.Rank >= 0).OrderBy(p => p.Rank).Select(p => p.Parameter).FirstOrDefault();

        void Set(string field, string value, string? found, string expected, Func<ApiPaging, ApiPaging> with)
        {
            if (found is not null && found != expected && !Try(_profile with { Paging = with(_profile.Paging) }))
                (value, found) = (expected, null);
            Add("paging", field, value, found is null ? LocationVerdict.Missing : found == expected ? LocationVerdict.Found : LocationVerdict.Guessed, found is null || found == expected ? null : $"in place of {expected}");
        }
    }

    private void Section(ApiLocations defaults, Func<ApiProfile, ApiLocations, ApiProfile> with, string what, params ReadOnlySpan<DescribedShape?> shapes)
    {
        List<DescribedShape> known = [];
        foreach (var shape in shapes)
        {
            if (shape is { Members.Count: > 0 })
                known.Add(shape);
        }

        var locations = defaults;
        foreach (var (field, location) in defaults)
        {
            if (location is null || known.Count == 0)
            {
                Add(defaults.Section, field, location, location is null ? LocationVerdict.NotRead : LocationVerdict.NotTested, location is null ? null : $"The document does not say what {what} holds; the default stays.");
                continue;
            }

            if (known.Exists(shape => shape.At(location) is not null))
            {
                Add(defaults.Section, field, location, LocationVerdict.Found, null);
                continue;
            }

            if (known.Select(shape => Guess(shape, defaults.Section, field, location)).FirstOrDefault(place => place is not null) is { } place && Try(with(_profile, locations.With(field, place))))
            {
                locations = locations.With(field, place);
                Add(defaults.Section, field, place, LocationVerdict.Guessed, $"in place of {location}");
            }
            else
            {
                Add(defaults.Section, field, location, LocationVerdict.Missing, null);
            }
        }
    }

    private static string? Guess(DescribedShape shape, string section, string field, string location)
    {
        List<string> names = [.. LocationNames.Of(field, location), .. s_otherNames.GetValueOrDefault($"{section}.{field}", [])];
        return shape.Within(SearchDepth)
            .Select(place => (place.Location, Rank: names.IndexOf(LocationNames.Plain(place.Name)), Depth: place.Location.Length))
            .Where(place => place.Rank >= 0 && place.Location.Length <= 400).OrderBy(place => place.Rank).Select(place => place.Location).FirstOrDefault();
    }

    private static bool HasList(DescribedShape? answer) => answer is not null && (answer.Item is not null || answer.Within(3).Any(place => place.Shape.Item is not null));

    private static DescribedShape? ItemAt(DescribedShape? shape, string? location) =>
        shape is null || location is null ? null : location.Length == 0 ? shape.Item : shape.At(location)?.Item;

    /// <summary>Takes a change of the profile on, if it leaves one that can be used. A document may say anything.</summary>
    private bool Try(ApiProfile changed)
    {
        try
        {
            changed.Validate();
            _profile = changed;
            return true;
        }
        catch (AlloyScanException)
        {
            return false;
        }
    }

    private void Add(string section, string field, string? location, LocationVerdict verdict, string? detail) =>
        _checks.Add(new ApiProfileCheck { Section = section, Field = field, Location = location, Verdict = verdict, Detail = detail });
}
