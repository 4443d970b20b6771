namespace AlloyScan.SampleSite;

/// <summary>Marks an endpoint that answers without a token.</summary>
internal sealed class NoTokenNeeded;

/// <summary>Gives out access tokens, strictly after the documentation: a form in, an opaque token out.</summary>
internal sealed class TokenEndpoint(SampleSiteState state, SampleSiteOptions options)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(options.TokenPath, PostAsync).WithMetadata(new NoTokenNeeded());

    private async Task PostAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            await Reply.BadRequestAsync(context, "The token endpoint takes application/x-www-form-urlencoded.");
            return;
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        if (form["grant_type"] != "client_credentials")
        {
            await Reply.ErrorAsync(context, StatusCodes.Status400BadRequest, "unsupported_grant_type", "grant_type must be client_credentials.");
            return;
        }

        var tokens = state.Tokens;
        if (state.RegistrationDisabled || state.RegistrationExpired || !tokens.Knows(form["client_id"].ToString(), form["client_secret"].ToString()))
        {
            // One answer for all, as the documentation has it: a stranger learns nothing.
            await Reply.ErrorAsync(context, StatusCodes.Status401Unauthorized, "invalid_client", "Client authentication failed.");
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        await Reply.JsonAsync(context, StatusCodes.Status200OK, tokens, static (writer, store) =>
        {
            writer.WriteStartObject();
            writer.WriteString("access_token", store.Issue());
            writer.WriteString("token_type", "Bearer");
            writer.WriteNumber("expires_in", store.LifetimeSeconds);
            writer.WriteEndObject();
        });
    }
}
