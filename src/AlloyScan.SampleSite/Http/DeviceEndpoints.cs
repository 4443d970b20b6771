using System.Globalization;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Devices and their snapshots.</summary>
internal sealed class DeviceEndpoints(SampleSiteState state, SampleSiteOptions options, DeviceWriter writer, FleetQueries queries)
{
    private readonly SampleFleet _fleet = state.Fleet;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/devices", ListAsync);
        routes.MapGet("/api/v1/devices/{id}", GetAsync);
        routes.MapPatch("/api/v1/devices/{id}", PatchAsync);
        routes.MapDelete("/api/v1/devices/{id}", DeleteAsync);
        routes.MapPut("/api/v1/devices/{id}/tags/{tagId}", context => TagAsync(context, attach: true));
        routes.MapDelete("/api/v1/devices/{id}/tags/{tagId}", context => TagAsync(context, attach: false));
        routes.MapGet("/api/v1/devices/{id}/snapshots", ListSnapshotsAsync);
        routes.MapGet("/api/v1/snapshots/{id}", GetSnapshotAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        if (!Reply.TryGetPage(context, options, out var limit, out var offset, out var problem))
        {
            await Reply.BadRequestAsync(context, problem!);
            return;
        }

        var type = Reply.Query(context, "type");
        var tag = Reply.Query(context, "tag");
        var text = Reply.Query(context, "q");
        var list = state.CurrentList;
        using var buffer = JsonBuffer.Rent();
        if (type is null && tag is null && text is null)
        {
            WritePage(buffer.Writer, list.From(offset).Take(limit), list.Day, list.Count);
        }
        else
        {
            var found = queries.Find(list, type, tag, text);
            WritePage(buffer.Writer, found.Skip(offset).Take(limit), list.Day, found.Length);
        }

        await Reply.SendAsync(context, StatusCodes.Status200OK, buffer);
    }

    private void WritePage(Utf8JsonWriter json, IEnumerable<int> indexes, int day, int total)
    {
        json.WriteStartObject();
        json.WriteStartArray(Field.Items);
        foreach (var index in indexes)
            writer.WriteListItem(json, _fleet.History.At(index, day));

        json.WriteEndArray();
        json.WriteNumber(Field.Total, total);
        writer.WriteUnknown(json);
        json.WriteEndObject();
    }

    private async Task GetAsync(HttpContext context)
    {
        if (!TryGetDevice(context, out var index))
        {
            await Reply.NotFoundAsync(context, "device");
            return;
        }

        await SendDeviceAsync(context, index);
    }

    private async Task SendDeviceAsync(HttpContext context, int index)
    {
        using var buffer = JsonBuffer.Rent();
        writer.WriteDetail(buffer.Writer, _fleet.History.At(index, state.Day));
        await Reply.SendAsync(context, StatusCodes.Status200OK, buffer);
    }

    /// <summary>A JSON merge patch of <c>assetTag</c> and <c>custom</c>; all else is measured by audits and refused.</summary>
    private async Task PatchAsync(HttpContext context)
    {
        if (!TryGetDevice(context, out var index))
        {
            await Reply.NotFoundAsync(context, "device");
            return;
        }

        if (await Reply.ReadObjectAsync(context) is not { } patch)
        {
            await Reply.BadRequestAsync(context, "The body must be a JSON object.");
            return;
        }

        foreach (var field in patch.EnumerateObject())
        {
            var problem = (field.Name, field.Value.ValueKind) switch
            {
                ("assetTag", JsonValueKind.String or JsonValueKind.Null) or ("custom", JsonValueKind.Object or JsonValueKind.Null) => null,
                ("assetTag", _) => "assetTag must be a string or null.",
                ("custom", _) => "custom must be an object or null.",
                _ => $"The field {field.Name} can't be written.",
            };
            if (problem is not null)
            {
                await Reply.ErrorAsync(context, StatusCodes.Status422UnprocessableEntity, "invalid_field", problem);
                return;
            }
        }

        state.Override(index, before =>
        {
            if (patch.TryGetProperty("assetTag", out var assetTag))
                before = before with { HasAssetTag = true, AssetTag = assetTag.GetString() };

            if (!patch.TryGetProperty("custom", out var custom) || custom.ValueKind != JsonValueKind.Object)
                return before;

            // A null stays: it hides the value that the audit found.
            var merged = new Dictionary<string, JsonElement>(before.Custom);
            foreach (var field in custom.EnumerateObject())
                merged[field.Name] = field.Value.Clone();

            return before with { Custom = merged };
        });
        await SendDeviceAsync(context, index);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        if (TryGetDevice(context, out var index) && state.TryDelete(index))
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            await Reply.NotFoundAsync(context, "device");
    }

    private async Task TagAsync(HttpContext context, bool attach)
    {
        if (!TryGetDevice(context, out var index))
        {
            await Reply.NotFoundAsync(context, "device");
            return;
        }

        if (!Reply.TryGetId(context, out var tagId, "tagId") || state.Tags.Find(tagId) is not { } tag)
        {
            await Reply.NotFoundAsync(context, "tag");
            return;
        }

        var device = _fleet.History.At(index, state.Day);
        state.Override(index, before =>
        {
            var tags = before.Tags ?? [.. state.TagsOf(device)];
            return before with { Tags = attach ? [.. tags.Append(tag.Number).Distinct()] : [.. tags.Where(number => number != tag.Number)] };
        });
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Newest first; one for each day on which the audit found a change.</summary>
    private async Task ListSnapshotsAsync(HttpContext context)
    {
        if (!TryGetDevice(context, out var index))
        {
            await Reply.NotFoundAsync(context, "device");
            return;
        }

        if (!Reply.TryGetPage(context, options, out var limit, out var offset, out var problem)
            || !TryGetTime(context, "from", DateTime.MinValue, out var from, ref problem)
            || !TryGetTime(context, "to", DateTime.MaxValue, out var to, ref problem))
        {
            await Reply.BadRequestAsync(context, problem!);
            return;
        }

        var source = Reply.Query(context, "source");
        var days = new List<int>();
        for (var device = _fleet.History.At(index, state.Day); ; device = _fleet.History.At(index, device.ChangedOn - 1))
        {
            var time = DeviceHistory.AuditTime(device, device.ChangedOn);
            if (time >= from && time <= to && (source is null || source.Equals(DeviceFacts.Source(device), StringComparison.OrdinalIgnoreCase)))
                days.Add(device.ChangedOn);

            if (device.ChangedOn == device.BornOn)
                break;
        }

        await Reply.ListAsync(context, days, limit, offset, (json, day) => writer.WriteSnapshotItem(json, _fleet.History.At(index, day)));
    }

    private static bool TryGetTime(HttpContext context, string name, DateTime otherwise, out DateTime time, ref string? problem)
    {
        time = otherwise;
        if (Reply.Query(context, name) is not { } text
            || DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out time))
            return true;

        problem = $"{name} must be an ISO 8601 date and time.";
        return false;
    }

    private async Task GetSnapshotAsync(HttpContext context)
    {
        if (Reply.TryGetId(context, out var id)
            && _fleet.Ids.TryDecode(id, IdKind.Snapshot, out var index, out var day)
            && day <= state.Day
            && state.IsPresent(index))
        {
            // Only days on which something changed have a snapshot.
            var device = _fleet.History.At(index, day);
            if (device.ChangedOn == day)
            {
                using var buffer = JsonBuffer.Rent();
                writer.WriteSnapshot(buffer.Writer, device);
                await Reply.SendAsync(context, StatusCodes.Status200OK, buffer);
                return;
            }
        }

        await Reply.NotFoundAsync(context, "snapshot");
    }

    private bool TryGetDevice(HttpContext context, out int index)
    {
        index = -1;
        return Reply.TryGetId(context, out var id) && _fleet.TryGetIndex(id, out index) && state.IsPresent(index);
    }
}
