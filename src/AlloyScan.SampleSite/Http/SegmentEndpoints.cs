using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Segments: one address list an office.</summary>
internal sealed class SegmentEndpoints(SampleSiteState state, SampleSiteOptions options, FleetQueries queries)
{
    private const string Type = "address-list";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/segments", ListAsync);
        routes.MapGet("/api/v1/segments/{id}", GetAsync);
        routes.MapPost("/api/v1/segments/{id}/scan", ScanAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        if (!Reply.TryGetPage(context, options, out var limit, out var offset, out var problem))
        {
            await Reply.BadRequestAsync(context, problem!);
            return;
        }

        var type = Reply.Query(context, "type");
        var service = Reply.Query(context, "auditServiceId");
        var usage = queries.Usage();
        var offices = Enumerable.Range(0, Names.Offices.Length)
            .Where(office => type is null || type == Type)
            .Where(office => service is null || service.Equals(ServiceOf(office).ToString(), StringComparison.OrdinalIgnoreCase));
        await Reply.ListAsync(context, [.. offices], limit, offset, (writer, office) =>
        {
            writer.WriteStartObject();
            WriteFields(writer, office, usage);
            writer.WriteEndObject();
        });
    }

    private async Task GetAsync(HttpContext context)
    {
        if (!TryGetOffice(context, out var found))
        {
            await Reply.NotFoundAsync(context, "segment");
            return;
        }

        var usage = queries.Usage();
        await Reply.JsonAsync(context, StatusCodes.Status200OK, found, (writer, office) =>
        {
            writer.WriteStartObject();
            WriteFields(writer, office, usage);
            writer.WriteStartArray("addresses");
            writer.WriteStringValue($"10.{office * 8}.0.0/13");
            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private async Task ScanAsync(HttpContext context)
    {
        if (!TryGetOffice(context, out var office))
        {
            await Reply.NotFoundAsync(context, "segment");
            return;
        }

        await Reply.JsonAsync(context, StatusCodes.Status202Accepted, IdOf(office), static (writer, id) =>
        {
            writer.WriteStartObject();
            writer.WriteString("segmentId", id);
            writer.WriteString("state", "Queued");
            writer.WriteEndObject();
        });
    }

    private Guid IdOf(int office) => state.Fleet.Ids.Encode(IdKind.Segment, office);

    private Guid ServiceOf(int office) => state.Fleet.Ids.Encode(IdKind.AuditService, office);

    private bool TryGetOffice(HttpContext context, out int office)
    {
        office = -1;
        return Reply.TryGetId(context, out var id) && state.Fleet.Ids.TryDecode(id, IdKind.Segment, out office, out _) && office < Names.Offices.Length;
    }

    private void WriteFields(Utf8JsonWriter writer, int office, FleetUsage usage)
    {
        Span<byte> buffer = stackalloc byte[40];
        writer.WriteString(Field.Id, IdOf(office));
        writer.WriteString(Field.Name, $"{Names.Offices[office]} office");
        writer.WriteString(Field.Type, Type);
        writer.WriteString(Field.AuditServiceId, ServiceOf(office));
        writer.WriteNull(Field.AutoTagId);
        writer.WriteNumber(Field.DeviceCount, usage.OfOffice(office));
        writer.WriteString(Field.LastScan, DeviceWriter.FormatTime(SampleFleet.Epoch.AddDays(state.Day).AddMinutes(-office * 7), buffer));
    }
}
