namespace AlloyScan.Engine.Site.Reading;

/// <summary>A profile's locations, made ready for reading once a client.</summary>
internal sealed class CompiledProfile
{
    internal CompiledProfile(ApiProfile profile)
    {
        Device = Build(profile.Device, ApiFields.Device.Tags);
        Tag = Build(profile.Tag);
        Snapshot = Build(profile.Snapshot, ApiFields.Snapshot.Adapters, ApiFields.Snapshot.Software, ApiFields.Snapshot.Custom);
        Adapter = Build(profile.Adapter, ApiFields.Adapter.IpAddresses);
        Software = Build(profile.Software);
        Product = Build(profile.Product);
        ItemsAtRoot = profile.Envelope.Items.Length == 0;
        ItemsLocation = profile.Envelope.Items;
        string?[] envelope =
        [
            ItemsAtRoot ? null : profile.Envelope.Items,
            profile.Envelope.Total,
            profile.Paging.Style == PagingStyle.NextLink ? profile.Envelope.NextLink : null,
        ];
        Envelope = LocationNode.Build("envelope", EnvelopeFields, i => envelope[i], ListItems);
    }

    internal const int ListItems = 0, ListTotal = 1, ListNext = 2;

    internal static readonly string[] EnvelopeFields = ["items", "total", "nextLink"];

    /// <summary>The texts of installed software, of which a site has few and says them often.</summary>
    internal StringCache Strings { get; } = new();

    internal LocationNode Device { get; }

    internal LocationNode Tag { get; }

    internal LocationNode Snapshot { get; }

    internal LocationNode Adapter { get; }

    internal LocationNode Software { get; }

    internal LocationNode Product { get; }

    internal LocationNode Envelope { get; }

    internal bool ItemsAtRoot { get; }

    internal string ItemsLocation { get; }

    private static LocationNode Build(ApiLocations locations, params int[] composites) =>
        LocationNode.Build(locations.Section, [.. locations.Keys], locations.LocationAt, composites);
}
