using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Reads which products the site has put into a software group, if the choice of groups makes that matter.</summary>
internal sealed class CatalogStage(RunScope scope)
{
    /// <summary>Reads the classified products and settles what shapes the links of this run. Without a filter no call is made.</summary>
    /// <exception cref="AlloyScanException">The catalog cannot be read, or says that nothing is tracked where software was imported (<c>SoftwareCatalogEmpty</c>).</exception>
    /// <returns>False when the budget ended the reading.</returns>
    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var groups = scope.Context.SoftwareGroups;
        if (!groups.IsFiltering)
            return true;

        var started = scope.Context.TimeProvider.GetTimestamp();
        foreach (var group in SoftwareGroups.All)
        {
            // Whatever the site does not name in another group is regular, and that is nearly everything.
            if (group == SoftwareGroups.Regular)
                continue;
            if (scope.IsBudgetSpent(1))
                return false;

            var products = scope.Source.ReadSoftwareAsync(new SoftwareQuery { SoftwareGroup = group }, cancellationToken);
            await foreach (var product in products.ConfigureAwait(false))
            {
                groups.Add(product);
                // Where a page ends is not known here, and the device list needs a call of its own in any case.
                if (scope.IsBudgetSpent(1))
                    return false;
            }
        }

        scope.Spend("Read", ref started);
        scope.Context.Observer.OnVerbose($"The site has classified software: {groups.ExceptionCount} products are treated otherwise than the regular ones, which are {(groups.TracksRegular ? "imported" : "left out")}.");
        if (!groups.TracksRegular && groups.ExceptionCount == 0 && HasSoftware())
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "SoftwareCatalogEmpty", "The site's software catalog has no product in a tracked group, so that all software would be removed from the CMDB.", scope.Context.Job.Site,
                "Classify products in AlloyScan, track the group Regular with Set-AlloyScanSoftwareGroup, or import no software with Set-AlloyScanSyncJob -ImportSoftware None.");
        }

        scope.Context.SettleFingerprint();
        if (scope.PlanId is { } plan)
            scope.Session.Execute("UPDATE plans SET fingerprint = @p1 WHERE id = @p0", plan, scope.Context.PlanFingerprint);
        if (scope.Context.Applying)
            LabelProducts(groups);
        scope.Spend("Compare", ref started);
        return true;
    }

    private bool HasSoftware() =>
        scope.Session.Prepare("SELECT 1 FROM links WHERE target_id = @p0 AND site_id = @p1 AND state IN (1, 2) AND software_count > 0 LIMIT 1")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Number() is not null;

    /// <summary>Brings the groups of the products that the CMDB has up to date.</summary>
    private void LabelProducts(SoftwareGroups groups)
    {
        var changed = new List<(long Id, string Group)>();
        using (var reader = scope.Session.Prepare("SELECT id, key, software_group FROM products WHERE target_id = @p0").Set(0, scope.Context.TargetId).Read())
        {
            while (reader.Read())
            {
                var group = groups.GroupOf(ProductCatalog.NameAndVersion(reader.GetString(1)));
                if (group != reader.Text(2))
                    changed.Add((reader.GetInt64(0), group));
            }
        }

        if (changed.Count == 0)
            return;

        scope.Write(() =>
        {
            var update = scope.Session.Prepare("UPDATE products SET software_group = @p1 WHERE id = @p0");
            foreach (var (id, group) in changed)
                update.Set(0, id).Set(1, group).Execute();
        });
    }
}
