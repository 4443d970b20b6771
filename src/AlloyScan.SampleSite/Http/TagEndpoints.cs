using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>The tag catalog.</summary>
internal sealed class TagEndpoints(SampleSiteState state, SampleSiteOptions options, FleetQueries queries)
{
    private const string DefaultColor = "cyan";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/tags", ListAsync);
        routes.MapPost("/api/v1/tags", PostAsync);
        routes.MapGet("/api/v1/tags/{id}", GetAsync);
        routes.MapPatch("/api/v1/tags/{id}", PatchAsync);
        routes.MapDelete("/api/v1/tags/{id}", DeleteAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        if (!Reply.TryGetPage(context, options, out var limit, out var offset, out var problem))
        {
            await Reply.BadRequestAsync(context, problem!);
            return;
        }

        var text = Reply.Query(context, "q");
        var usage = queries.Usage();
        await Reply.ListAsync(context, [.. state.Tags.All.Where(t => text is null || t.Name.Contains(text, StringComparison.OrdinalIgnoreCase))], limit, offset,
            (writer, tag) => Write(writer, tag, usage));
    }

    private async Task GetAsync(HttpContext context)
    {
        if (Find(context) is { } tag)
            await SendAsync(context, StatusCodes.Status200OK, tag);
        else
            await Reply.NotFoundAsync(context, "tag");
    }

    private async Task PostAsync(HttpContext context)
    {
        var (problem, name, color) = Read(await Reply.ReadObjectAsync(context));
        if (problem is null && name is null)
            problem = "name is required.";

        if (problem is not null)
            await Reply.BadRequestAsync(context, problem);
        else if (state.Tags.TryAdd(name!, color ?? DefaultColor) is { } tag)
            await SendAsync(context, StatusCodes.Status201Created, tag);
        else
            await NameTakenAsync(context, name!);
    }

    private async Task PatchAsync(HttpContext context)
    {
        if (Find(context) is not { } tag)
        {
            await Reply.NotFoundAsync(context, "tag");
            return;
        }

        var (problem, name, color) = Read(await Reply.ReadObjectAsync(context));
        if (problem is not null)
            await Reply.BadRequestAsync(context, problem);
        else if (state.Tags.TryChange(tag, name, color) is { } changed)
            await SendAsync(context, StatusCodes.Status200OK, changed);
        else
            await NameTakenAsync(context, name!);
    }

    /// <summary>Only an unused tag can be deleted.</summary>
    private async Task DeleteAsync(HttpContext context)
    {
        if (Find(context) is not { } tag)
        {
            await Reply.NotFoundAsync(context, "tag");
        }
        else if (queries.Usage().OfTag(tag.Number) is var used and > 0)
        {
            await Reply.ErrorAsync(context, StatusCodes.Status409Conflict, "tag_in_use", $"The tag '{tag.Name}' is on {used} devices.");
        }
        else
        {
            state.Tags.Remove(tag);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    private SiteTag? Find(HttpContext context) => Reply.TryGetId(context, out var id) ? state.Tags.Find(id) : null;

    private Task SendAsync(HttpContext context, int status, SiteTag tag)
    {
        var usage = queries.Usage();
        return Reply.JsonAsync(context, status, tag, (writer, shown) => Write(writer, shown, usage));
    }

    private static Task NameTakenAsync(HttpContext context, string name) =>
        Reply.ErrorAsync(context, StatusCodes.Status409Conflict, "name_taken", $"There is a tag '{name}' already.");

    private static (string? Problem, string? Name, string? Color) Read(JsonElement? body)
    {
        if (body is not { } given)
            return ("The body must be a JSON object.", null, null);

        var problem = ReadText(given, "name", out var name) ?? ReadText(given, "color", out _);
        ReadText(given, "color", out var color);
        return (problem, name, color);
    }

    private static string? ReadText(JsonElement body, string field, out string? text)
    {
        text = null;
        if (!body.TryGetProperty(field, out var value))
            return null;

        text = value.ValueKind == JsonValueKind.String ? value.GetString()?.Trim() : null;
        return string.IsNullOrEmpty(text) ? $"{field} must be a text that is not blank." : null;
    }

    private static void Write(Utf8JsonWriter writer, SiteTag tag, FleetUsage usage)
    {
        writer.WriteStartObject();
        writer.WriteString(Field.Id, tag.IdJson);
        writer.WriteString(Field.Name, tag.NameJson);
        writer.WriteString(Field.Color, tag.Color);
        writer.WriteNumber(Field.Usage, usage.OfTag(tag.Number));
        writer.WriteEndObject();
    }
}
