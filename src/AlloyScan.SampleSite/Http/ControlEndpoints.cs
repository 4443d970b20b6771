using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Control of a site that runs in another process. No part of the product: real sites have none of it.</summary>
internal sealed class ControlEndpoints(SampleSiteState state)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/_sample/day", DayAsync);
        routes.MapPost("/_sample/listed-share", ListedShareAsync);
        routes.MapPost("/_sample/revoke-tokens", RevokeAsync);
        routes.MapGet("/_sample/faults", SendFaultsAsync);
        routes.MapPut("/_sample/faults", FaultsAsync);
        routes.MapGet("/_sample/log", LogAsync);
        routes.MapDelete("/_sample/log", ResetAsync);
    }

    private async Task DayAsync(HttpContext context)
    {
        if (await Reply.ReadObjectAsync(context) is { } body
            && body.TryGetProperty("day", out var value)
            && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out var day)
            && day is >= 0 and <= SampleFleet.MaxDay)
        {
            state.Day = day;
            await SendAsync(context);
            return;
        }

        await Reply.BadRequestAsync(context, $"Send {{\"day\": n}}, with n from 0 to {SampleFleet.MaxDay}.");
    }

    private async Task ListedShareAsync(HttpContext context)
    {
        if (await Reply.ReadObjectAsync(context) is { } body
            && body.TryGetProperty("share", out var value)
            && value.ValueKind == JsonValueKind.Number
            && value.GetDouble() is var share and >= 0 and <= 1)
        {
            state.ListedShare = share;
            await SendAsync(context);
            return;
        }

        await Reply.BadRequestAsync(context, "Send {\"share\": x}, with x from 0 to 1.");
    }

    private Task RevokeAsync(HttpContext context)
    {
        state.RevokeTokens();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task FaultsAsync(HttpContext context)
    {
        if (await Reply.ReadObjectAsync(context) is { } body
            && body.TryGetProperty("faults", out var faults)
            && faults.ValueKind == JsonValueKind.Array
            && faults.EnumerateArray().All(f => f.ValueKind == JsonValueKind.String))
        {
            try
            {
                state.Faults.Faults = FaultPlan.Read(faults.EnumerateArray().Select(f => f.GetString()!));
                await SendFaultsAsync(context);
            }
            catch (FormatException e)
            {
                await Reply.BadRequestAsync(context, e.Message);
            }

            return;
        }

        await Reply.BadRequestAsync(context, "Send {\"faults\": [\"ServerError:rate=0.1\", \"preset shifting\"]}; an empty array ends all faults.");
    }

    private Task SendFaultsAsync(HttpContext context) => Reply.JsonAsync(context, StatusCodes.Status200OK, state.Faults, static (writer, plan) =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("faults");
        foreach (var (fault, struck) in plan.Faults.Zip(plan.Struck))
        {
            writer.WriteStartObject();
            writer.WriteString("fault", fault.ToString());
            writer.WriteNumber("struck", struck);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private Task ResetAsync(HttpContext context)
    {
        state.Log.Reset();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task SendAsync(HttpContext context) => Reply.JsonAsync(context, StatusCodes.Status200OK, state, static (writer, site) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("day", site.Day);
        writer.WriteNumber("devices", site.Count);
        writer.WriteEndObject();
    });

    private Task LogAsync(HttpContext context) => Reply.JsonAsync(context, StatusCodes.Status200OK, state.Log, static (writer, log) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("requests", log.Requests);
        writer.WriteStartArray("calls");
        foreach (var calls in log.Calls)
        {
            writer.WriteStartObject();
            writer.WriteString("route", calls.Route);
            writer.WriteNumber("status", calls.Status);
            writer.WriteNumber("calls", calls.Calls);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
