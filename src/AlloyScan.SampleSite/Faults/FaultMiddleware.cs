using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Http.Features;

namespace AlloyScan.SampleSite;

/// <summary>The one place where the site misbehaves on purpose: it is slow, has had enough, breaks off, or says what is not so.</summary>
internal sealed class FaultMiddleware(RequestDelegate next, SampleSiteOptions options, SampleSiteState state)
{
    private static readonly JsonDocumentOptions s_deep = new() { MaxDepth = 64 };

    private readonly Lock _lock = new();
    private long _second = -1;
    private int _requests;

    public async Task InvokeAsync(HttpContext context)
    {
        if (options.Chunked)
            context.Features.Set(SendInChunks.Instance);

        if (options.Latency > TimeSpan.Zero)
            await Task.Delay(options.Latency, options.Clock, context.RequestAborted);

        if (options.RateLimitPerSecond > 0 && IsOverLimit(out var wait))
        {
            await RefuseAsync(context, options.RetryAfter ? FaultRetryAfter.Seconds : FaultRetryAfter.None, wait);
            return;
        }

        var faults = TargetOf(context) is { } target ? state.Faults.Strike(target, context.Request.Path, options.Clock) : [];
        var transforms = new List<Fault>();
        foreach (var fault in faults)
        {
            switch (fault.Kind)
            {
                case FaultKind.Latency:
                    await Task.Delay(TimeSpan.FromMilliseconds(fault.Amount ?? 500), options.Clock, context.RequestAborted);
                    break;
                case FaultKind.TooManyRequests:
                    await RefuseAsync(context, fault.RetryAfter, TimeSpan.FromSeconds(fault.Amount ?? 1));
                    return;
                case FaultKind.Ceiling:
                    await RefuseAsync(context, fault.RetryAfter, TimeSpan.FromSeconds(1));
                    return;
                case FaultKind.ServerError:
                    context.Response.StatusCode = (int)(fault.Amount ?? StatusCodes.Status503ServiceUnavailable);
                    context.Response.ContentType = "text/plain";
                    await context.Response.WriteAsync("upstream connect error", context.RequestAborted);
                    return;
                case FaultKind.Forbidden:
                    await Reply.ErrorAsync(context, StatusCodes.Status403Forbidden, "forbidden", "This app registration may not do that.");
                    return;
                case FaultKind.Html:
                    context.Response.ContentType = "text/html; charset=utf-8";
                    await context.Response.WriteAsync("<!DOCTYPE html><title>Sign in</title><p>Please sign in to go on.</p>", context.RequestAborted);
                    return;
                case FaultKind.Redirect:
                    context.Response.Redirect("http://elsewhere.invalid" + context.Request.Path);
                    return;
                case FaultKind.Echo:
                    await CredentialEcho.RefuseAsync(context, (int)(fault.Amount ?? StatusCodes.Status400BadRequest));
                    return;
                case FaultKind.EchoPage:
                    await CredentialEcho.ShowAsync(context);
                    return;
                case FaultKind.EchoRedirect:
                    await CredentialEcho.RedirectAsync(context);
                    return;
                case FaultKind.TokensRevoked:
                    state.RevokeTokens();
                    break;
                case FaultKind.Shift:
                    ShiftPage(context.Request, (int)(fault.Amount ?? 1));
                    break;
                default:
                    transforms.Add(fault);
                    break;
            }
        }

        if (transforms.Count == 0)
            await next(context);
        else
            await TransformAsync(context, transforms);
    }

    private static FaultTarget? TargetOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText switch
    {
        "/api/v1/devices" => FaultTarget.List,
        "/api/v1/devices/{id}" => FaultTarget.Device,
        "/api/v1/snapshots/{id}" => FaultTarget.Snapshot,
        "/api/v1/software" => FaultTarget.Software,
        SampleSiteOptions.DefaultTokenPath or SampleSiteOptions.IdentityServerTokenPath => FaultTarget.Token,
        { } other when other.StartsWith("/api/", StringComparison.Ordinal) => FaultTarget.Any,
        _ => null,
    };

    private async Task RefuseAsync(HttpContext context, FaultRetryAfter retryAfter, TimeSpan wait)
    {
        if (retryAfter == FaultRetryAfter.Seconds)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        else if (retryAfter == FaultRetryAfter.Date)
            context.Response.Headers.RetryAfter = (options.Clock.GetUtcNow() + wait + TimeSpan.FromSeconds(1)).ToString("R", CultureInfo.InvariantCulture);

        await Reply.ErrorAsync(context, StatusCodes.Status429TooManyRequests, "rate_limited", "API workload limit exceeded");
    }

    private static void ShiftPage(HttpRequest request, int by)
    {
        if (!int.TryParse(request.Query["offset"], NumberStyles.None, CultureInfo.InvariantCulture, out var offset) || offset == 0)
            return;

        var query = new QueryBuilder(request.Query.Where(p => p.Key != "offset").Select(p => KeyValuePair.Create(p.Key, p.Value.ToString())))
        {
            { "offset", Math.Max(0, offset + by).ToString(CultureInfo.InvariantCulture) },
        };
        request.QueryString = query.ToQueryString();
    }

    /// <summary>Lets the site write its answer into memory, changes it and sends that.</summary>
    private static async Task TransformAsync(HttpContext context, List<Fault> faults, RequestDelegate next)
    {
        var response = context.Response;
        var sending = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        using var memory = new MemoryStream();
        var capturing = new StreamResponseBodyFeature(memory, sending);
        context.Features.Set<IHttpResponseBodyFeature>(capturing);
        try
        {
            await next(context);
            await capturing.CompleteAsync();
        }
        finally
        {
            context.Features.Set(sending);
        }

        var body = memory.ToArray();
        if (response.StatusCode == StatusCodes.Status200OK)
        {
            foreach (var fault in faults)
                body = Transform(body, fault);
        }

        var cut = faults.Any(f => f.Kind == FaultKind.Reset);
        response.ContentLength = body.Length;
        if (faults.Find(f => f.Kind == FaultKind.Drip) is { } drip)
        {
            var step = Math.Max(1, (int)((drip.Amount ?? 2000) / 10));
            for (var from = 0; from < body.Length; from += step)
            {
                await response.Body.WriteAsync(body.AsMemory(from, Math.Min(step, body.Length - from)), context.RequestAborted);
                await response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(100, context.RequestAborted);
            }
        }
        else
        {
            await response.Body.WriteAsync(body.AsMemory(0, cut ? body.Length / 2 : body.Length), context.RequestAborted);
            await response.Body.FlushAsync(context.RequestAborted);
        }

        if (cut)
            context.Abort();
    }

    private Task TransformAsync(HttpContext context, List<Fault> faults) => TransformAsync(context, faults, next);

    private static byte[] Transform(byte[] body, Fault fault)
    {
        switch (fault.Kind)
        {
            case FaultKind.Truncated:
                return body[..(body.Length / 2)];
            case FaultKind.Nested:
                var depth = (int)(fault.Amount ?? 10_000);
                return Insert(body, $"\"nested\":{new string('[', depth)}{new string(']', depth)},");
            case FaultKind.Large:
                return Insert(body, $"\"padding\":\"{new string('x', (int)(fault.Amount ?? 10_000_000))}\",");
            case FaultKind.Reset or FaultKind.Drip:
                return body;
        }

        if (JsonNode.Parse(body, documentOptions: s_deep) is not JsonObject root)
            return body;

        var items = root["items"] as JsonArray;
        switch (fault.Kind)
        {
            case FaultKind.EmptyList:
                items?.Clear();
                root["total"] = 0;
                break;
            case FaultKind.ShortPage:
                while (items?.Count > (fault.Amount ?? 3))
                    items.RemoveAt(items.Count - 1);
                break;
            case FaultKind.TotalCollapses:
                root["total"] = (int)(fault.Amount ?? 1);
                break;
            case FaultKind.Duplicates:
                foreach (var item in items?.Take((int)(fault.Amount ?? 2)).ToList() ?? [])
                    items!.Add(item?.DeepClone());
                break;
            case FaultKind.WrongTypes:
                if (items is null)
                    SpoilTypes(root);
                else if (items.ElementAtOrDefault((int)(fault.Amount ?? 0)) is JsonObject item)
                    SpoilTypes(item);
                break;
        }

        return JsonSerializer.SerializeToUtf8Bytes(root);
    }

    private static void SpoilTypes(JsonObject item)
    {
        foreach (var name in item.Where(p => p.Key is not ("id" or "deviceId")).Select(p => p.Key).ToList())
        {
            item[name] = item[name] switch
            {
                JsonValue v when v.GetValueKind() == JsonValueKind.String => new JsonObject { ["value"] = 42 },
                JsonValue => "many",
                JsonObject => new JsonArray(1, 2, 3),
                _ => true,
            };
        }
    }

    /// <summary>Puts a field at the front of an object's text.</summary>
    private static byte[] Insert(byte[] body, string field) => body is [(byte)'{', ..] ? [(byte)'{', .. Encoding.UTF8.GetBytes(field), .. body[1..]] : body;

    private bool IsOverLimit(out TimeSpan wait)
    {
        var now = options.Clock.GetUtcNow();
        var second = now.ToUnixTimeSeconds();
        wait = DateTimeOffset.FromUnixTimeSeconds(second + 1) - now;
        lock (_lock)
        {
            if (second != _second)
                (_second, _requests) = (second, 0);

            return ++_requests > options.RateLimitPerSecond;
        }
    }
}
