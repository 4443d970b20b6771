namespace AlloyScan.Engine.Site;

/// <summary>
/// Paths, token endpoints, envelope, paging and JSON locations of a site's API, as data. The vendor says that they vary by release;
/// what is not documented is assumed, and each part can be overridden from a JSON file.
/// </summary>
public sealed record ApiProfile
{
    /// <summary>The documented API.</summary>
    public static ApiProfile Default { get; } = new();

    /// <summary>Paths and token endpoints.</summary>
    public ApiPaths Paths { get; init; } = new();

    /// <summary>Where the parts of a list's answer stand.</summary>
    public ApiEnvelope Envelope { get; init; } = new();

    /// <summary>How lists are asked for.</summary>
    public ApiPaging Paging { get; init; } = new();

    /// <summary>OAuth scopes to ask for, separated by spaces; <see langword="null"/> to ask for none, which is the default.</summary>
    public string? Scope { get; init; }

    /// <summary>Locations in a device.</summary>
    public ApiLocations Device { get; init; } = Plain("device", ApiFields.DeviceFields);

    /// <summary>Locations in a tag of a device.</summary>
    public ApiLocations Tag { get; init; } = Plain("tag", ApiFields.TagFields);

    /// <summary>Locations in an audit snapshot.</summary>
    public ApiLocations Snapshot { get; init; } = new("snapshot", ApiFields.SnapshotFields, ApiFields.SnapshotLocations);

    /// <summary>Locations in a network adapter of a snapshot.</summary>
    public ApiLocations Adapter { get; init; } = Plain("adapter", ApiFields.AdapterFields);

    /// <summary>Locations in an installed product of a snapshot.</summary>
    public ApiLocations Software { get; init; } = Plain("software", ApiFields.SoftwareFields);

    /// <summary>Locations in a row of the software catalog.</summary>
    public ApiLocations Product { get; init; } = Plain("product", ApiFields.ProductFields);

    /// <summary>Reads overrides from JSON over the default.</summary>
    /// <param name="json">A JSON object with any of the profile's properties.</param>
    /// <exception cref="AlloyScanException">The text is no such object (<c>InvalidApiProfile</c>).</exception>
    public static ApiProfile Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ApiProfileJson.Parse(json);
    }

    /// <summary>The whole profile as indented JSON, which <see cref="Parse"/> reads back.</summary>
    public string ToJson() => ApiProfileJson.Write(this);

    /// <summary>Checks a profile that was put together in code.</summary>
    /// <exception cref="AlloyScanException">A part is malformed (<c>InvalidApiProfile</c>).</exception>
    public void Validate() => ApiProfileJson.Validate(this);

    private static ApiLocations Plain(string section, string[] fields) => new(section, fields, fields);
}
