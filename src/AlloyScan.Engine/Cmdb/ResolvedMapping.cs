namespace AlloyScan.Engine.Cmdb;

/// <summary>Where a value comes from: a text, an attribute by position, a custom audit field by name, or a field of the CI.</summary>
internal readonly record struct ValueSource(string? Constant = null, int Attribute = -1, string? Custom = null, CmdbField? Field = null);

/// <summary>A mapping whose names are resolved. One source, or several whose values are put together, all of which must have one.</summary>
internal sealed record ResolvedMapping(CmdbField Field, FieldMapping Mapping, ReplacementMode Mode, ValueSource[] Sources);

/// <summary>A service action that was checked: names resolved, mappings in the order in which they have to be evaluated.</summary>
internal sealed record ResolvedAction(ServiceAction Action, IReadOnlyList<(CmdbField Field, string Value)> InitialValues, IReadOnlyList<ResolvedMapping> Mappings);
