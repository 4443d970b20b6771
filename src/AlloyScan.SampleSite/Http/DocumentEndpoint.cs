using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>Shows the OpenAPI document of the site, as instances do, to everybody.</summary>
internal sealed class DocumentEndpoint
{
    private readonly byte[] _document;

    public DocumentEndpoint(SampleSiteOptions options)
    {
        using var stream = typeof(DocumentEndpoint).Assembly.GetManifestResourceStream("openapi.json") ?? throw new InvalidOperationException("The document openapi.json is missing from the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        _document = Encoding.UTF8.GetBytes(reader.ReadToEnd()
            .Replace($"\"{SampleSiteOptions.DefaultApiPath}/", $"\"{options.ApiPath}/", StringComparison.Ordinal)
            .Replace($"\"{SampleSiteOptions.DefaultTokenPath}\"", $"\"{options.TokenPath}\"", StringComparison.Ordinal));
    }

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/openapi.json", SendAsync).WithMetadata(new NoTokenNeeded());

    private Task SendAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = _document.Length;
        return context.Response.Body.WriteAsync(_document, context.RequestAborted).AsTask();
    }
}
