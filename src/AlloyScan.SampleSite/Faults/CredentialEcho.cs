using System.Net;
using System.Text;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>
/// Repeats the credentials of a request as careless servers and proxies do: in error messages, on debug pages, in headers and in the
/// addresses of redirects. A client must show none of it.
/// </summary>
internal static class CredentialEcho
{
    public static async Task RefuseAsync(HttpContext context, int status)
    {
        var credentials = await CredentialsOfAsync(context);
        context.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{Ascii(credentials[0])}\"";
        context.Response.Headers["X-Request-Echo"] = Ascii(string.Join(' ', credentials));
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(
            JsonSerializer.Serialize(new { error = "bad_request", message = "Not understood: " + Forms(credentials), request = credentials }), context.RequestAborted);
    }

    public static async Task ShowAsync(HttpContext context)
    {
        var credentials = await CredentialsOfAsync(context);
        context.Response.ContentType = "text/html; charset=utf-8";
        await context.Response.WriteAsync(
            $"<!DOCTYPE html><title>Debug {WebUtility.HtmlEncode(Forms(credentials))}</title><pre>{WebUtility.HtmlEncode(string.Join('\n', credentials))}</pre>", context.RequestAborted);
    }

    public static async Task RedirectAsync(HttpContext context)
    {
        var credentials = await CredentialsOfAsync(context);
        context.Response.Redirect($"http://elsewhere.invalid/{Uri.EscapeDataString(credentials[^1])}?access_token={Uri.EscapeDataString(credentials[0])}&client_secret={Uri.EscapeDataString(credentials[^1])}");
    }

    /// <summary>Token, and of a form the secret.</summary>
    private static async Task<IReadOnlyList<string>> CredentialsOfAsync(HttpContext context)
    {
        var credentials = new List<string>();
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization)
            credentials.Add(authorization.Split(' ')[^1]);
        if (context.Request.HasFormContentType)
            credentials.Add((await context.Request.ReadFormAsync(context.RequestAborted))["client_secret"].ToString());
        return credentials is [] ? ["nobody"] : credentials;
    }

    private static string Forms(IEnumerable<string> credentials) => string.Join(
        " | ",
        credentials.SelectMany(c => (string[])[c, Uri.EscapeDataString(c), WebUtility.UrlEncode(c), Convert.ToBase64String(Encoding.UTF8.GetBytes(c)), Convert.ToBase64String(Encoding.UTF8.GetBytes("client:" + c)), "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("id:" + c))]));

    private static string Ascii(string text) => Uri.EscapeDataString(text);
}
