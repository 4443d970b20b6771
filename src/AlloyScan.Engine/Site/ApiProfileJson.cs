using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Site;

/// <summary>The JSON form of an <see cref="ApiProfile"/>: read strictly, so that a slip of the pen is told and not ignored.</summary>
internal static class ApiProfileJson
{
    /// <summary>Longest text that is read as a profile; a whole one has 5 KB.</summary>
    private const int MaxLength = 1024 * 1024;

    private static readonly string[] s_pagingStyles = ["offset", "pageNumber", "nextLink"];

    internal static ApiProfile Parse(string json)
    {
        if (json.Length > MaxLength)
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidApiProfile", $"The API profile has more than {MaxLength / 1024} KB; no profile needs that.");
        }

        JObject root;
        try
        {
            using JsonTextReader reader = new(new StringReader(json)) { DateParseHandling = DateParseHandling.None, MaxDepth = 16 };
            root = JToken.ReadFrom(reader, new JsonLoadSettings { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Error }) as JObject
                ?? throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidApiProfile", "The API profile is not a JSON object.");
            while (reader.Read())
            {
                // Comments may follow; the reader itself throws at anything else.
            }
        }
        catch (JsonException e)
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidApiProfile", $"The API profile is not readable JSON: {e.Message}", innerException: e);
        }

        ApiProfile profile = ApiProfile.Default;
        foreach (JProperty property in root.Properties())
        {
            JToken value = property.Value;
            string name = property.Name;
            profile = name switch
            {
                // Lets an editor find a schema; nothing is read from there.
                "$schema" => profile,
                "scope" => profile with { Scope = TextOrNull(name, value) },
                "paths" => profile with { Paths = ReadPaths(profile.Paths, Members(name, value)) },
                "envelope" => profile with { Envelope = ReadEnvelope(profile.Envelope, Members(name, value)) },
                "paging" => profile with { Paging = ReadPaging(profile.Paging, Members(name, value)) },
                "device" => profile with { Device = ReadLocations(profile.Device, Members(name, value)) },
                "tag" => profile with { Tag = ReadLocations(profile.Tag, Members(name, value)) },
                "snapshot" => profile with { Snapshot = ReadLocations(profile.Snapshot, Members(name, value)) },
                "adapter" => profile with { Adapter = ReadLocations(profile.Adapter, Members(name, value)) },
                "software" => profile with { Software = ReadLocations(profile.Software, Members(name, value)) },
                "product" => profile with { Product = ReadLocations(profile.Product, Members(name, value)) },
                _ => throw Invalid(name, "is not known. Known are: scope, paths, envelope, paging, device, tag, snapshot, adapter, software, product."),
            };
        }

        Validate(profile);
        return profile;
    }

    internal static string Write(ApiProfile profile)
    {
        JObject root = new()
        {
            ["scope"] = profile.Scope,
            ["paths"] = new JObject
            {
                ["token"] = profile.Paths.Token,
                ["tokenFallback"] = profile.Paths.TokenFallback,
                ["devices"] = profile.Paths.Devices,
                ["device"] = profile.Paths.Device,
                ["deviceSnapshots"] = profile.Paths.DeviceSnapshots,
                ["snapshot"] = profile.Paths.Snapshot,
                ["software"] = profile.Paths.Software,
                ["deleteDevice"] = profile.Paths.DeleteDevice,
            },
            ["envelope"] = new JObject
            {
                ["items"] = profile.Envelope.Items,
                ["total"] = profile.Envelope.Total,
                ["nextLink"] = profile.Envelope.NextLink,
            },
            ["paging"] = new JObject
            {
                ["style"] = s_pagingStyles[(int)profile.Paging.Style],
                ["pageSize"] = profile.Paging.PageSize,
                ["limitParameter"] = profile.Paging.LimitParameter,
                ["offsetParameter"] = profile.Paging.OffsetParameter,
                ["pageParameter"] = profile.Paging.PageParameter,
                ["firstPage"] = profile.Paging.FirstPage,
            },
        };
        foreach (ApiLocations locations in Sections(profile))
        {
            JObject section = [];
            foreach ((string field, string? location) in locations)
            {
                section[field] = location;
            }

            root[locations.Section] = section;
        }

        return root.ToString(Formatting.Indented);
    }

    internal static void Validate(ApiProfile profile)
    {
        CheckPath("paths.token", profile.Paths.Token, needsId: false);
        if (profile.Paths.TokenFallback is not null)
        {
            CheckPath("paths.tokenFallback", profile.Paths.TokenFallback, needsId: false);
        }

        CheckPath("paths.devices", profile.Paths.Devices, needsId: false);
        CheckPath("paths.device", profile.Paths.Device, needsId: true);
        CheckPath("paths.deviceSnapshots", profile.Paths.DeviceSnapshots, needsId: true);
        CheckPath("paths.snapshot", profile.Paths.Snapshot, needsId: true);
        CheckPath("paths.software", profile.Paths.Software, needsId: false);
        CheckPath("paths.deleteDevice", profile.Paths.DeleteDevice, needsId: true);

        if (profile.Envelope.Items.Length > 0)
        {
            _ = SplitLocation("envelope.items", profile.Envelope.Items);
        }

        if (profile.Envelope.Total is { } total)
        {
            _ = SplitLocation("envelope.total", total);
        }

        if (profile.Envelope.NextLink is { } next)
        {
            _ = SplitLocation("envelope.nextLink", next);
        }

        ApiPaging paging = profile.Paging;
        if (paging.PageSize is < 1 or > ApiPaging.MaxPageSize)
        {
            throw Invalid("paging.pageSize", $"is {paging.PageSize.ToString(CultureInfo.InvariantCulture)}; it must be from 1 to {ApiPaging.MaxPageSize.ToString(CultureInfo.InvariantCulture)}.");
        }

        if (!Enum.IsDefined(paging.Style))
        {
            throw Invalid("paging.style", $"must be one of: {string.Join(", ", s_pagingStyles)}.");
        }

        if (paging.Style == PagingStyle.NextLink && profile.Envelope.NextLink is null)
        {
            throw Invalid("envelope.nextLink", "is needed when paging.style is 'nextLink'.");
        }

        CheckParameter("paging.limitParameter", paging.LimitParameter);
        CheckParameter("paging.offsetParameter", paging.OffsetParameter);
        CheckParameter("paging.pageParameter", paging.PageParameter);

        if (profile.Device["id"] is null)
        {
            throw Invalid("device.id", "cannot be null: a device without ID cannot be told from others.");
        }

        // Compiling finds locations that stand in each other's way.
        _ = new Reading.CompiledProfile(profile);
    }

    /// <summary>Splits a location at its dots; <c>\.</c> is a dot inside a name.</summary>
    internal static string[] SplitLocation(string property, string location)
    {
        List<string> names = [];
        System.Text.StringBuilder name = new();
        for (int i = 0; i < location.Length; i++)
        {
            char c = location[i];
            if (c == '\\' && i + 1 < location.Length)
            {
                name.Append(location[++i]);
            }
            else if (c == '.')
            {
                Close();
            }
            else
            {
                name.Append(c);
            }
        }

        Close();
        return names.Count <= 16 ? [.. names] : throw Invalid(property, "is nested too deeply.");

        void Close()
        {
            if (name.Length == 0)
            {
                throw Invalid(property, $"is '{location}', which has an empty name in it. Write a location as 'hardware.cpu.name'.");
            }

            names.Add(name.ToString());
            name.Clear();
        }
    }

    internal static AlloyScanException Invalid(string property, string what) =>
        new(ErrorKind.InvalidArgument, "InvalidApiProfile", $"API profile: '{property}' {what}", target: property);

    internal static IEnumerable<ApiLocations> Sections(ApiProfile profile) =>
        [profile.Device, profile.Tag, profile.Snapshot, profile.Adapter, profile.Software, profile.Product];

    private static ApiPaths ReadPaths(ApiPaths paths, IEnumerable<(string Path, string Name, JToken Value)> members)
    {
        foreach ((string path, string name, JToken value) in members)
        {
            paths = name switch
            {
                "token" => paths with { Token = Text(path, value) },
                "tokenFallback" => paths with { TokenFallback = TextOrNull(path, value) },
                "devices" => paths with { Devices = Text(path, value) },
                "device" => paths with { Device = Text(path, value) },
                "deviceSnapshots" => paths with { DeviceSnapshots = Text(path, value) },
                "snapshot" => paths with { Snapshot = Text(path, value) },
                "software" => paths with { Software = Text(path, value) },
                "deleteDevice" => paths with { DeleteDevice = Text(path, value) },
                _ => throw Invalid(path, "is not known. Known are: token, tokenFallback, devices, device, deviceSnapshots, snapshot, software, deleteDevice."),
            };
        }

        return paths;
    }

    private static ApiEnvelope ReadEnvelope(ApiEnvelope envelope, IEnumerable<(string Path, string Name, JToken Value)> members)
    {
        foreach ((string path, string name, JToken value) in members)
        {
            envelope = name switch
            {
                "items" => envelope with { Items = Text(path, value) },
                "total" => envelope with { Total = TextOrNull(path, value) },
                "nextLink" => envelope with { NextLink = TextOrNull(path, value) },
                _ => throw Invalid(path, "is not known. Known are: items, total, nextLink."),
            };
        }

        return envelope;
    }

    private static ApiPaging ReadPaging(ApiPaging paging, IEnumerable<(string Path, string Name, JToken Value)> members)
    {
        foreach ((string path, string name, JToken value) in members)
        {
            paging = name switch
            {
                "style" => paging with { Style = Style(path, Text(path, value)) },
                "pageSize" => paging with { PageSize = Number(path, value) },
                "limitParameter" => paging with { LimitParameter = Text(path, value) },
                "offsetParameter" => paging with { OffsetParameter = Text(path, value) },
                "pageParameter" => paging with { PageParameter = Text(path, value) },
                "firstPage" => paging with { FirstPage = Number(path, value) },
                _ => throw Invalid(path, "is not known. Known are: style, pageSize, limitParameter, offsetParameter, pageParameter, firstPage."),
            };
        }

        return paging;
    }

    private static ApiLocations ReadLocations(ApiLocations locations, IEnumerable<(string Path, string Name, JToken Value)> members)
    {
        foreach ((string path, string name, JToken value) in members)
        {
            locations = locations.With(name, TextOrNull(path, value));
        }

        return locations;
    }

    private static IEnumerable<(string Path, string Name, JToken Value)> Members(string section, JToken value) =>
        value is JObject o
            ? o.Properties().Select(p => ($"{section}.{p.Name}", p.Name, p.Value))
            : throw Invalid(section, $"must be an object, not {Describe(value)}.");

    private static string Text(string path, JToken value) =>
        value.Type == JTokenType.String ? value.Value<string>()! : throw Invalid(path, $"must be a text, not {Describe(value)}.");

    private static string? TextOrNull(string path, JToken value) => value.Type == JTokenType.Null ? null : Text(path, value);

    private static int Number(string path, JToken value) =>
        value.Type == JTokenType.Integer && value is JValue { Value: long and >= int.MinValue and <= int.MaxValue }
            ? value.Value<int>()
            : throw Invalid(path, $"must be a whole number, not {Describe(value)}.");

    private static PagingStyle Style(string path, string text)
    {
        int index = Array.FindIndex(s_pagingStyles, s => string.Equals(s, text, StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? (PagingStyle)index : throw Invalid(path, $"is '{text}'; it must be one of: {string.Join(", ", s_pagingStyles)}.");
    }

    private static string Describe(JToken value) => value.Type switch
    {
        JTokenType.Null => "null",
        JTokenType.Object => "an object",
        JTokenType.Array => "a list",
        JTokenType.Boolean => "a truth value",
        JTokenType.Integer or JTokenType.Float => "a number",
        _ => "a text",
    };

    private static void CheckPath(string property, string path, bool needsId)
    {
        // The access token goes wherever these paths lead, so they must not be able to lead away from the site.
        if (!path.StartsWith('/') || path.StartsWith("//", StringComparison.Ordinal) || path.Contains('\\', StringComparison.Ordinal))
        {
            throw Invalid(property, $"is '{path}'; it must be a path that starts with one '/', since every call stays on the site's own host.");
        }

        int query = path.IndexOf('?', StringComparison.Ordinal);
        string onlyPath = query < 0 ? path : path[..query];
        if (path.Contains('#', StringComparison.Ordinal) || path.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            || onlyPath.Split('/').Any(s => Uri.UnescapeDataString(s) is "." or ".."))
        {
            throw Invalid(property, $"is '{path}'; spaces, '#', '.' and '..' are not allowed in it.");
        }

        bool hasId = path.Contains("{id}", StringComparison.Ordinal);
        if (hasId != needsId)
        {
            throw Invalid(property, needsId ? $"is '{path}'; it needs '{{id}}' where the ID goes." : $"is '{path}'; it has no '{{id}}' to fill.");
        }

        string rest = path.Replace("{id}", string.Empty, StringComparison.Ordinal).Replace("{slug}", string.Empty, StringComparison.Ordinal);
        if (rest.Contains('{', StringComparison.Ordinal) || rest.Contains('}', StringComparison.Ordinal))
        {
            throw Invalid(property, $"is '{path}'; only '{{id}}' and '{{slug}}' can be filled in.");
        }
    }

    private static void CheckParameter(string property, string name)
    {
        if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.' or '$' or '[' or ']')))
        {
            throw Invalid(property, $"is '{name}', which is no name of a query parameter.");
        }
    }
}
