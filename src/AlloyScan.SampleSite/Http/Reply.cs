using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>A feature of a request whose body goes out in chunks, without a length.</summary>
internal sealed class SendInChunks
{
    public static readonly SendInChunks Instance = new();
}

/// <summary>How the site answers.</summary>
internal static class Reply
{
    private const string JsonType = "application/json; charset=utf-8";
    private const int ChunkSize = 16 * 1024;

    public static Task ErrorAsync(HttpContext context, int status, string code, string message) =>
        JsonAsync(context, status, (code, message), static (writer, error) =>
        {
            writer.WriteStartObject();
            writer.WriteString(Field.Error, error.code);
            writer.WriteString(Field.Message, error.message);
            writer.WriteEndObject();
        });

    public static Task NotFoundAsync(HttpContext context, string what) => ErrorAsync(context, StatusCodes.Status404NotFound, "not_found", $"There is no such {what} in this site.");

    public static Task BadRequestAsync(HttpContext context, string message) => ErrorAsync(context, StatusCodes.Status400BadRequest, "invalid_request", message);

    public static async Task JsonAsync<TState>(HttpContext context, int status, TState state, Action<Utf8JsonWriter, TState> write)
    {
        using var buffer = JsonBuffer.Rent();
        write(buffer.Writer, state);
        await SendAsync(context, status, buffer);
    }

    public static async Task SendAsync(HttpContext context, int status, JsonBuffer buffer)
    {
        buffer.Writer.Flush();
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = JsonType;
        var rest = buffer.Written;
        if (context.Features.Get<SendInChunks>() is null)
        {
            response.ContentLength = rest.Length;
            await response.BodyWriter.WriteAsync(rest, context.RequestAborted);
            return;
        }

        for (; !rest.IsEmpty; rest = rest[Math.Min(rest.Length, ChunkSize)..])
        {
            response.BodyWriter.Write(rest.Span[..Math.Min(rest.Length, ChunkSize)]);
            await response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }

    /// <summary>Reads <c>limit</c> and <c>offset</c>; answers 400 and returns false if they make no sense.</summary>
    public static bool TryGetPage(HttpContext context, SampleSiteOptions options, out int limit, out int offset, out string? problem)
    {
        var query = context.Request.Query;
        problem = null;
        limit = 50;
        offset = 0;
        if (query.TryGetValue("limit", out var text) && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1))
            problem = "limit must be a whole number above zero.";
        else if (query.TryGetValue("offset", out text) && !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out offset))
            problem = "offset must be a whole number, zero or above.";

        limit = Math.Min(limit, options.MaxPageSize);
        return problem is null;
    }

    /// <summary>A value of the query; empty counts as left out.</summary>
    public static string? Query(HttpContext context, string name) => context.Request.Query.TryGetValue(name, out var value) && value.ToString() is { Length: > 0 } text ? text : null;

    /// <summary>The ID in the path, if it is a UUID.</summary>
    public static bool TryGetId(HttpContext context, out Guid id, string name = "id")
    {
        id = default;
        return context.Request.RouteValues[name] is string text && Guid.TryParseExact(text, "D", out id);
    }

    /// <summary>The body as a JSON object, or null if it is none.</summary>
    public static async Task<JsonElement?> ReadObjectAsync(HttpContext context)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A list in the site's envelope.</summary>
    public static Task ListAsync<T>(HttpContext context, IReadOnlyList<T> all, int limit, int offset, Action<Utf8JsonWriter, T> writeItem) =>
        JsonAsync(context, StatusCodes.Status200OK, (all, limit, offset, writeItem), static (writer, page) =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray(Field.Items);
            for (var i = page.offset; i < Math.Min(page.all.Count, (long)page.offset + page.limit); i++)
                page.writeItem(writer, page.all[i]);

            writer.WriteEndArray();
            writer.WriteNumber(Field.Total, page.all.Count);
            writer.WriteEndObject();
        });
}
