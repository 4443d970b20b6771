using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>The software catalog: products by name and version, or summed up by name.</summary>
internal sealed class SoftwareEndpoints(SampleSiteState state, SampleSiteOptions options, FleetQueries queries)
{
    /// <summary>Stands for all releases in the ID of a name.</summary>
    private const int AllReleases = FleetIds.MaxDetail;

    private readonly SoftwareCatalog _catalog = state.Fleet.Catalog;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/software", ListAsync);
        routes.MapGet("/api/v1/software/{id}", GetAsync);
        routes.MapPatch("/api/v1/software/{id}", PatchAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        if (!Reply.TryGetPage(context, options, out var limit, out var offset, out var problem))
        {
            await Reply.BadRequestAsync(context, problem!);
            return;
        }

        var groupBy = Reply.Query(context, "groupBy") ?? "name-version";
        if (groupBy is not ("name-version" or "name"))
        {
            await Reply.BadRequestAsync(context, "groupBy is name-version or name.");
            return;
        }

        var wanted = Reply.Query(context, "softwareGroup");
        var group = SoftwareGroups.Find(wanted);
        if (wanted is not null && group is null)
        {
            await Reply.BadRequestAsync(context, "softwareGroup is Regular, Required or Forbidden.");
            return;
        }

        var text = Reply.Query(context, "q");
        var rows = Rows().Where(row => text is null || row.Product.Name.Contains(text, StringComparison.OrdinalIgnoreCase));
        if (groupBy == "name")
            rows = rows.GroupBy(r => r.Product.Family).Select(g => new Row(_catalog.Products[g.Key], AllReleases, g.Sum(r => r.Installations)));

        await Reply.ListAsync(context, [.. rows.Where(row => group is null || GroupOf(row) == group)], limit, offset, WriteRow);
    }

    private async Task GetAsync(HttpContext context)
    {
        if (Find(context) is not { } row)
        {
            await Reply.NotFoundAsync(context, "software product");
            return;
        }

        await SendAsync(context, row);
    }

    private async Task PatchAsync(HttpContext context)
    {
        if (Find(context) is not { } row)
        {
            await Reply.NotFoundAsync(context, "software product");
            return;
        }

        if (await Reply.ReadObjectAsync(context) is not { } patch)
        {
            await Reply.BadRequestAsync(context, "The body must be a JSON object.");
            return;
        }

        if (!patch.TryGetProperty("softwareGroup", out var value) || value.ValueKind != JsonValueKind.String || SoftwareGroups.Find(value.GetString()) is not { } group)
        {
            await Reply.ErrorAsync(context, StatusCodes.Status422UnprocessableEntity, "invalid_field", "softwareGroup must be Regular, Required or Forbidden.");
            return;
        }

        if (row.Release == AllReleases)
        {
            foreach (var product in _catalog.Products.Where(p => p.Family == row.Product.Family))
                state.SetGroup(product.Number, -1, group);
        }
        else
        {
            state.SetGroup(row.Product.Number, row.Release, group);
        }

        await SendAsync(context, row);
    }

    private Task SendAsync(HttpContext context, Row row) => Reply.JsonAsync(context, StatusCodes.Status200OK, row, (writer, found) =>
    {
        writer.WriteStartObject();
        WriteFields(writer, found);
        writer.WriteStartArray(Field.Versions);
        foreach (var version in Rows().Where(r => r.Product.Family == found.Product.Family))
        {
            writer.WriteStartObject();
            writer.WriteString(Field.Version, version.Product.Versions[version.Release]);
            writer.WriteNumber(Field.Installations, version.Installations);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>All products with an installation: the catalog comes from audits.</summary>
    private IEnumerable<Row> Rows()
    {
        var counts = queries.Installations();
        return _catalog.Products.SelectMany(product => counts[product.Number]
            .Select((installations, release) => new Row(product, release, installations))
            .Where(row => row.Installations > 0));
    }

    private Row? Find(HttpContext context)
    {
        if (!Reply.TryGetId(context, out var id)
            || !state.Fleet.Ids.TryDecode(id, IdKind.Product, out var number, out var release)
            || number >= _catalog.Products.Count)
            return null;

        var product = _catalog.Products[number];
        var rows = Rows().Where(r => release == AllReleases ? r.Product.Family == product.Family : r.Product == product && r.Release == release).ToList();
        return rows.Count == 0 ? null : new Row(product, release, rows.Sum(r => r.Installations));
    }

    private string GroupOf(Row row) => state.GroupOf(row.Product, row.Release == AllReleases ? -1 : row.Release);

    private void WriteRow(Utf8JsonWriter writer, Row row)
    {
        writer.WriteStartObject();
        WriteFields(writer, row);
        writer.WriteEndObject();
    }

    private void WriteFields(Utf8JsonWriter writer, Row row)
    {
        writer.WriteString(Field.Id, state.Fleet.Ids.Encode(IdKind.Product, row.Product.Number, row.Release));
        writer.WriteString(Field.Name, row.Product.NameJson);
        if (row.Release != AllReleases)
            writer.WriteString(Field.Version, row.Product.Versions[row.Release]);

        writer.WriteString(Field.Publisher, row.Product.PublisherJson);
        writer.WriteString(Field.SoftwareGroup, GroupOf(row));
        writer.WriteNumber(Field.Installations, row.Installations);
    }

    private readonly record struct Row(SoftwareProduct Product, int Release, int Installations);
}
