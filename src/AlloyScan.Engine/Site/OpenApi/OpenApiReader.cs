using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace AlloyScan.Engine.Site.OpenApi;

/// <summary>
/// Reads an OpenAPI document (2.0 to 3.x, as JSON) into what a profile has a use for. The document may come from anybody: its size, its
/// nesting and what its references unfold to are bounded before and while the package reads it, and no reference leaves the document.
/// </summary>
internal static partial class OpenApiReader
{
    /// <summary>Longest document that is read.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    private const int MaxNesting = 64;

    /// <summary>References that lead to references, one behind the other.</summary>
    private const int MaxChain = 16;

    private const int MaxCalls = 5000;
    private const int MaxShapeDepth = 8;

    /// <summary>Places of one answer: references that go in circles unfold without end.</summary>
    private const int MaxPlaces = 5000;

    private static readonly string[] s_slugNames = ["slug", "tenant", "tenantslug", "site", "siteslug", "company", "instance"];

    /// <exception cref="AlloyScanException">It is none, or one beyond the bounds (<c>InvalidOpenApi</c>).</exception>
    public static ApiDescription Read(string json, Uri? siteUrl)
    {
        Check(json);
        return Guarded(() => Read(
            OpenApiDocument.Parse(json, "json", new OpenApiReaderSettings { LoadExternalRefs = false }).Document ?? throw Invalid("holds no description of an API", null),
            siteUrl));
    }

    /// <summary>The package has exceptions of its own for what it cannot read, and throws others at what it did not expect, some of them only when a part is looked at.</summary>
    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (AlloyScanException or OutOfMemoryException or OperationCanceledException))
        {
            throw Invalid($"cannot be read: {Cut(e.Message)}", e);
        }
    }

    private static ApiDescription Read(OpenApiDocument document, Uri? siteUrl)
    {
        var remarks = new List<string>();
        var prefix = BasePath(document.Servers, siteUrl, remarks);
        var calls = new List<DescribedCall>();
        foreach (var (path, item) in document.Paths ?? [])
        {
            foreach (var (method, operation) in item?.Operations ?? [])
            {
                if (calls.Count == MaxCalls)
                    throw Invalid($"describes more than {MaxCalls} calls", null);
                if (Template(prefix + path) is { } template)
                    calls.Add(new DescribedCall(method.Method.ToUpperInvariant(), template, Query(item, operation), () => Guarded(() => Answer(operation))));
            }
        }

        if (calls.Count == 0)
            throw Invalid("describes no calls", null);
        return new ApiDescription(calls, [.. TokenPaths(document, siteUrl, remarks).Distinct(StringComparer.Ordinal)], remarks);
    }

    /// <summary>Looks at the text before the package does, which follows chains of references without a bound.</summary>
    private static void Check(string json)
    {
        if (json.Length > MaxBytes)
            throw OpenApiProfile.TooLong();
        if (json.AsSpan().TrimStart().TrimStart('\uFEFF') is not ['{', ..])
            throw Invalid("is no JSON object", null, "Documents in YAML are not read: AlloyScan's own tools, and editors of such documents, save them as JSON too.");

        try
        {
            using var text = JsonDocument.Parse(json.AsMemory().TrimStart('\uFEFF'), new JsonDocumentOptions { MaxDepth = MaxNesting });
            if (!text.RootElement.TryGetProperty("openapi", out _) && !text.RootElement.TryGetProperty("swagger", out _))
                throw Invalid("does not say of which version of OpenAPI it is", null);

            var references = new Dictionary<string, string>(StringComparer.Ordinal);
            Collect(text.RootElement, "#", text.RootElement.TryGetProperty("swagger", out _) ? "#/definitions/" : "#/components/schemas/", references);
            foreach (var start in references.Keys)
            {
                var at = start;
                for (var steps = 0; references.TryGetValue(at, out var next); steps++)
                {
                    if (steps == MaxChain)
                        throw Invalid($"has references that lead to references in circles, or through more than {MaxChain} of them, at '{Cut(start)}'", null);
                    at = next;
                }
            }
        }
        catch (JsonException e)
        {
            throw Invalid($"is no readable JSON: {Cut(e.Message)}", e);
        }
    }

    private static void Collect(JsonElement element, string pointer, string schemas, Dictionary<string, string> references)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray())
                Collect(item, string.Create(CultureInfo.InvariantCulture, $"{pointer}/{index++}"), schemas, references);
            return;
        }

        if (element.ValueKind != JsonValueKind.Object)
            return;

        foreach (var member in element.EnumerateObject())
        {
            if (member.NameEquals("$ref") && member.Value.ValueKind == JsonValueKind.String)
                // A bare name is that of a schema.
                references[pointer] = Uri.UnescapeDataString(member.Value.GetString()!) is var target && target.Contains('#', StringComparison.Ordinal) ? target : schemas + target;
            else
                Collect(member.Value, $"{pointer}/{member.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", schemas, references);
        }
    }

    /// <summary>The part of the first server's address that stands before all paths.</summary>
    private static string BasePath(IList<OpenApiServer>? servers, Uri? siteUrl, List<string> remarks)
    {
        if (servers is not [{ Url: { Length: > 0 } url }, ..])
            return string.Empty;

        if (url.Contains('{', StringComparison.Ordinal))
        {
            remarks.Add($"The document's address of the API, '{Cut(url)}', has parts to fill in; paths are taken from the root of the site.");
            return string.Empty;
        }

        return PathOf(url, siteUrl, "API", remarks)?.TrimEnd('/') ?? string.Empty;
    }

    private static string? PathOf(string url, Uri? siteUrl, string what, List<string> remarks)
    {
        if (url.StartsWith('/') && !url.StartsWith("//", StringComparison.Ordinal))
            return url;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
            return null;

        // Every call of ours stays on the site's own host.
        if (siteUrl is not null && !string.Equals(address.Host, siteUrl.Host, StringComparison.OrdinalIgnoreCase))
            remarks.Add($"The document has its {what} on {address.Host}, and the site is {siteUrl.Host}: the path is kept, and the site's host asked for it.");
        return address.AbsolutePath;
    }

    private static IEnumerable<string> TokenPaths(OpenApiDocument document, Uri? siteUrl, List<string> remarks)
    {
        foreach (var scheme in document.Components?.SecuritySchemes?.Values ?? [])
        {
            if (scheme?.Flows?.ClientCredentials?.TokenUrl is { } url && PathOf(url.OriginalString, siteUrl, "token endpoint", remarks) is { } path)
                yield return path;
        }
    }

    private static List<DescribedParameter> Query(IOpenApiPathItem? item, OpenApiOperation operation) =>
        [.. (operation.Parameters ?? []).Concat(item?.Parameters ?? [])
            .Where(p => p is { In: ParameterLocation.Query, Name.Length: > 0 })
            .Select(p => new DescribedParameter(p.Name!, p.Required, Whole(p.Schema?.Minimum), Whole(p.Schema?.Maximum)))];

    private static int? Whole(string? text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static DescribedShape? Answer(OpenApiOperation operation)
    {
        foreach (var code in (ReadOnlySpan<string>)["200", "2XX", "2xx", "default"])
        {
            if (operation.Responses is { } responses && responses.TryGetValue(code, out var response) && response?.Content is { Count: > 0 } content)
            {
                var media = content.FirstOrDefault(c => c.Key.Contains("json", StringComparison.OrdinalIgnoreCase)).Value ?? content.Values.First();
                var places = MaxPlaces;
                return media?.Schema is { } schema ? Shape(schema, 0, ref places) : null;
            }
        }

        return null;
    }

    private static DescribedShape Shape(IOpenApiSchema schema, int depth, ref int places)
    {
        if (depth > MaxShapeDepth || --places < 0)
            return DescribedShape.Unknown;

        var members = new List<KeyValuePair<string, DescribedShape>>();
        foreach (var (name, member) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            // What no location of a profile could name is left out.
            if (member is not null && name.Length is > 0 and <= 100 && !name.Any(char.IsControl))
                members.Add(new(name, Shape(member, depth + 1, ref places)));
        }

        var item = schema.Items is { } items ? Shape(items, depth + 1, ref places) : schema.Type?.HasFlag(JsonSchemaType.Array) == true ? DescribedShape.Unknown : null;
        var isNumber = schema.Type is { } type && (type & (JsonSchemaType.Integer | JsonSchemaType.Number)) != 0;
        // Put together from others: all of their members may be there.
        foreach (var part in (schema.AllOf ?? []).Concat(schema.OneOf ?? []).Concat(schema.AnyOf ?? []))
        {
            if (part is null)
                continue;
            var shape = Shape(part, depth + 1, ref places);
            members.AddRange(shape.Members.Where(m => !members.Exists(known => known.Key == m.Key)));
            item ??= shape.Item;
            isNumber |= shape.IsNumber;
        }

        return new DescribedShape(members, item, isNumber);
    }

    /// <summary>A path as the profile writes it; <see langword="null"/> for one that no profile could have.</summary>
    private static string? Template(string path)
    {
        if (path.Length > 500 || !path.StartsWith('/'))
            return null;

        var query = path.IndexOfAny(['?', '#']);
        return Parameter().Replace((query < 0 ? path : path[..query]).TrimEnd('/'), match => s_slugNames.Contains(LocationNames.Plain(match.Groups[1].Value)) ? "{slug}" : "{id}");
    }

    /// <summary>The beginning of a text that may quote the document at length.</summary>
    private static string Cut(string text) => text.Length <= 300 ? text : text[..300] + "...";

    private static AlloyScanException Invalid(string what, Exception? cause, string? advice = null) => new(
        ErrorKind.InvalidData, "InvalidOpenApi", $"The OpenAPI document {what}.", null, advice ?? "Give the document that the site publishes of its API, as JSON.", cause);

    [GeneratedRegex(@"\{([^{}]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Parameter();
}
