using System.Globalization;

namespace AlloyScan.SampleSite;

/// <summary>Counts and logs each request, and turns what nothing answered into the site's error form. The outermost layer.</summary>
internal sealed class AccessLogMiddleware(RequestDelegate next, SampleSiteState state, SampleSiteOptions options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var start = options.Clock.GetTimestamp();
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response.ContentLength is null && context.Response.ContentType is null)
                await ExplainAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; nobody is there to answer.
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await Reply.ErrorAsync(context, e is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError, "internal_error", e.Message);
        }
        finally
        {
            // A request may have a secret in its query or its headers: of the query only the page is written down.
            var request = context.Request;
            state.Log.Add(
                HttpMethods.GetCanonicalizedValue(request.Method) is var method && method.Length <= 7 ? method : "OTHER",
                (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(unknown path)",
                request.Path.ToUriComponent(),
                state.Log.WritesFile ? Page(request) : "",
                context.Response.StatusCode,
                options.Clock.GetElapsedTime(start));
        }
    }

    private static Task ExplainAsync(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => Reply.ErrorAsync(context, StatusCodes.Status404NotFound, "not_found", "There is nothing at this path."),
        StatusCodes.Status405MethodNotAllowed => Reply.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, "method_not_allowed", $"This path does not take {context.Request.Method}."),
        _ => Task.CompletedTask,
    };

    private static string Page(HttpRequest request)
    {
        var text = "";
        foreach (var name in (ReadOnlySpan<string>)["limit", "offset"])
        {
            if (request.Query.TryGetValue(name, out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                text += string.Create(CultureInfo.InvariantCulture, $"{(text.Length == 0 ? '?' : '&')}{name}={number}");
        }

        return text;
    }
}

/// <summary>Lets nobody in without a token that is good now.</summary>
internal sealed class TokenMiddleware(RequestDelegate next, SampleSiteState state)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<NoTokenNeeded>() is not null)
            return next(context);

        if (!state.Tokens.Accepts(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Reply.ErrorAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "The access token is missing or invalid.");
        }

        return state.RegistrationDisabled && !context.Request.Path.StartsWithSegments("/_sample", StringComparison.Ordinal)
            ? Reply.ErrorAsync(context, StatusCodes.Status403Forbidden, "forbidden", "The app registration is disabled.")
            : next(context);
    }
}

/// <summary>Answers for the API under another path than the documented one, as sites of other releases do.</summary>
internal sealed class ApiPathMiddleware(RequestDelegate next, SampleSiteOptions options)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments(options.ApiPath, StringComparison.Ordinal, out var rest))
            context.Request.Path = SampleSiteOptions.DefaultApiPath + rest;
        else if (context.Request.Path.StartsWithSegments(SampleSiteOptions.DefaultApiPath, StringComparison.Ordinal))
            context.Request.Path = "/nothing";
        return next(context);
    }
}
