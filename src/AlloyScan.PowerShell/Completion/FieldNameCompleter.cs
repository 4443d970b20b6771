using System.Collections;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of the fields of CIs, with the custom ones of the default store.</summary>
public sealed class FieldNameCompleter : StoreCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => Fields(boundParameters);

    /// <summary>The fields of the class that the user has typed, or of both.</summary>
    /// <param name="boundParameters">What the user has typed so far.</param>
    internal static IEnumerable<string> Fields(IDictionary boundParameters)
    {
        RecordClass[] classes = Enum.TryParse<RecordClass>(Convert.ToString(boundParameters?["Class"], System.Globalization.CultureInfo.InvariantCulture), ignoreCase: true, out var typed)
            ? [typed]
            : Enum.GetValues<RecordClass>();
        return classes.SelectMany(CmdbRepository.EditableFields)
            .Union(FromStore(boundParameters!, store => classes.SelectMany(store.Fields.List).Where(field => field.IsCustom).Select(field => field.Name)));
    }
}
