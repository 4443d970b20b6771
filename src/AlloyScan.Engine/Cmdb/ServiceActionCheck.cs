using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>Checks a service action against the fields that there are, when it is saved and again before it is used.</summary>
internal sealed class ServiceActionCheck
{
    private readonly ServiceAction _action;
    private readonly CmdbSchema _schema;

    private ServiceActionCheck(ServiceAction action, CmdbSchema schema)
    {
        _action = action;
        _schema = schema;
    }

    /// <summary>Resolves the names of an action and puts its mappings in order.</summary>
    /// <exception cref="AlloyScanException">Something is wrong with it; the error ID says what, the target is the mapping at fault.</exception>
    public static ResolvedAction Resolve(ServiceAction action, CmdbSchema schema) => new ServiceActionCheck(action, schema).Resolve();

    private ResolvedAction Resolve()
    {
        var initial = InitialValues();
        var resolved = new Dictionary<CmdbField, ResolvedMapping>();
        foreach (var mapping in _action.Mappings)
        {
            var one = Resolve(mapping);
            if (!resolved.TryAdd(one.Field, one))
                throw Fault("DuplicateMapping", mapping, $"is the second one of the field '{one.Field.Name}'", "Keep one of the two.");
        }

        var ordered = new List<ResolvedMapping>(resolved.Count);
        var path = new List<CmdbField>();
        foreach (var mapping in resolved.Values.OrderBy(m => m.Field.Index))
            Order(mapping, resolved, path, ordered);
        // In the form in which it is kept: names as they are written, every mode said.
        var action = _action with
        {
            InitialValues = initial.ToDictionary(p => p.Field.Name, p => p.Value, StringComparer.OrdinalIgnoreCase),
            Mappings = [.. _action.Mappings.Select(m => Settled(resolved.Values.First(r => ReferenceEquals(r.Mapping, m))))],
        };
        return new ResolvedAction(action, initial, ordered);
    }

    private static FieldMapping Settled(ResolvedMapping mapping) => mapping.Mapping with
    {
        Field = mapping.Field.Name,
        Attribute = mapping.Mapping.Attribute is { } attribute ? SourceAttributes.Find(attribute.Trim()) : null,
        Constant = mapping.Mapping.Constant is not null ? mapping.Sources[0].Constant : null,
        Template = mapping.Mapping.Template,
        Mode = mapping.Mode,
    };

    private List<(CmdbField Field, string Value)> InitialValues()
    {
        if (_action.Kind == ServiceActionKind.Update && _action.InitialValues.Count > 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InitialValuesInUpdate", $"The service action '{_action.Name}' changes existing CIs and has initial values, which only new CIs get.", _action.Name,
                "Give them to the create action, or map a constant.");
        }

        var result = new List<(CmdbField, string)>();
        foreach (var (name, value) in _action.InitialValues)
        {
            var field = _schema.Find(_action.Class, name.Trim()) ?? throw new AlloyScanException(
                ErrorKind.InvalidArgument, "UnknownInitialField", $"The service action '{_action.Name}' has an initial value for '{name}', which is no field of {_action.Class}.", name, Fields());
            if (string.IsNullOrWhiteSpace(value))
                continue;

            var clean = field.Normalise(value) ?? throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidInitialValue",
                $"The service action '{_action.Name}' gives '{field.Name}' the initial value '{value}', which is not {FieldValues.Describe(field.Type, whole: !field.IsCustom)}.", name);
            result.Add((field, clean));
        }

        return result;
    }

    private ResolvedMapping Resolve(FieldMapping mapping)
    {
        var name = (mapping.Field ?? string.Empty).Trim();
        var field = _schema.Find(_action.Class, name);
        if (field is null)
        {
            var other = _action.Class == RecordClass.Computer ? RecordClass.Hardware : RecordClass.Computer;
            throw _schema.Find(other, name) is not null
                ? Fault("FieldOfOtherClass", mapping, $"writes to '{name}', which {other} has and {_action.Class} has not", Fields())
                : Fault("UnknownField", mapping, $"writes to '{name}', which is no field of {_action.Class}", Fields() + " New-AlloyCmdbField defines further ones.");
        }

        if (field == CmdbFields.Status && _action.Kind == ServiceActionKind.Update)
            throw Fault("StatusInUpdate", mapping, "writes to the status, which is never written by an update", "Give new CIs their status in the initial values of the create action.");
        if (mapping.AllowEmpty && mapping.Mode != ReplacementMode.Always)
            throw Fault("AllowEmptyWithoutAlways", mapping, "has AllowEmpty, which goes with the mode Always only", "Say Always, or leave AllowEmpty out.");
        if (mapping.Mode is { } mode && !Enum.IsDefined(mode))
            throw Fault("InvalidMapping", mapping, "has a replacement mode that does not exist", $"The modes are {string.Join(", ", Enum.GetNames<ReplacementMode>())}.");

        var sources = new[] { mapping.Attribute, mapping.Constant, mapping.Template }.Count(s => !string.IsNullOrWhiteSpace(s));
        if (sources == 0)
            throw Fault("MappingWithoutSource", mapping, "has no source", "Give an attribute, a constant or a template.");
        if (sources > 1)
            throw Fault("MappingWithTwoSources", mapping, "has more than one source", "Give an attribute, or a constant, or a template.");

        var (values, type) = !string.IsNullOrWhiteSpace(mapping.Attribute) ? Attribute(mapping, mapping.Attribute)
            : !string.IsNullOrWhiteSpace(mapping.Constant) ? Constant(mapping, mapping.Constant, field)
            : Template(mapping, mapping.Template!);
        if (type is { } known && field.Type != FieldType.Text && known != field.Type)
        {
            throw Fault(
                "MappingTypeMismatch", mapping, $"gives a {Word(known)} to the field '{field.Name}', which holds {FieldValues.Describe(field.Type, whole: !field.IsCustom)}",
                "Map a source of that type, or a custom audit field, whose values are tried one by one.");
        }

        return new ResolvedMapping(field, mapping, mapping.Mode ?? DefaultServiceActions.ModeOf(field), values);
    }

    private (ValueSource[] Sources, FieldType? Type) Attribute(FieldMapping mapping, string attribute)
    {
        var name = SourceAttributes.Find(attribute.Trim()) ?? throw Fault(
            "UnknownAttribute", mapping, $"reads the attribute '{attribute}', which does not exist", Attributes() + " A constant stands in quotes.");
        return ([Source(name)], SourceAttributes.TypeOf(name));
    }

    private (ValueSource[] Sources, FieldType? Type) Constant(FieldMapping mapping, string constant, CmdbField field)
    {
        var clean = field.Normalise(constant) ?? throw Fault(
            "MappingTypeMismatch", mapping, $"gives '{constant}' to the field '{field.Name}', which holds {FieldValues.Describe(field.Type, whole: !field.IsCustom)}", "Give a value of that form.");
        return ([new ValueSource(Constant: clean)], null);
    }

    private (ValueSource[] Sources, FieldType? Type) Template(FieldMapping mapping, string template)
    {
        var parts = MappingTemplate.Parse(template, out var position) ?? throw Fault(
            "UnbalancedBrace", mapping, $"has a brace without its partner at position {position + 1} of the template '{template}'", "Close it, or double it if it is meant as such.");
        var sources = new ValueSource[parts.Count];
        FieldType? type = FieldType.Text;
        for (var i = 0; i < sources.Length; i++)
        {
            var part = parts[i];
            if (!part.IsReference)
            {
                sources[i] = new ValueSource(Constant: part.Text);
            }
            else if (part.Text.StartsWith(MappingTemplate.FieldPrefix, StringComparison.OrdinalIgnoreCase))
            {
                var field = _schema.Find(_action.Class, part.Text[MappingTemplate.FieldPrefix.Length..].Trim()) ?? throw Fault(
                    "UnknownTemplateField", mapping, $"refers to '{{{part.Text}}}', which is no field of {_action.Class}", Fields());
                sources[i] = new ValueSource(Field: field);
                type = field.Type;
            }
            else
            {
                var name = SourceAttributes.Find(part.Text) ?? throw Fault(
                    "UnknownTemplateAttribute", mapping, $"refers to '{{{part.Text}}}', which is no attribute",
                    Attributes() + " A field of the CI is written {ci.NAME}, and a brace that is meant as such is doubled.");
                sources[i] = Source(name);
                type = SourceAttributes.TypeOf(name);
            }
        }

        // What is put together is text.
        return (sources, sources.Length == 1 ? type : FieldType.Text);
    }

    private static ValueSource Source(string attribute) =>
        SourceAttributes.CustomName(attribute) is { } custom ? new ValueSource(Custom: custom) : new ValueSource(Attribute: SourceAttributes.IndexOf(attribute));

    /// <summary>Adds a mapping behind those whose fields it refers to.</summary>
    private void Order(ResolvedMapping mapping, Dictionary<CmdbField, ResolvedMapping> all, List<CmdbField> path, List<ResolvedMapping> ordered)
    {
        if (ordered.Contains(mapping))
            return;

        var start = path.IndexOf(mapping.Field);
        path.Add(mapping.Field);
        if (start >= 0)
        {
            throw Fault(
                "MappingCycle", mapping.Mapping, $"is part of a cycle: {string.Join(" -> ", path[start..].Select(f => f.Name))}", "Let one of them read attributes of the device only.");
        }

        foreach (var source in mapping.Sources)
        {
            if (source.Field is { } field && all.TryGetValue(field, out var needed))
                Order(needed, all, path, ordered);
        }

        path.RemoveAt(path.Count - 1);
        ordered.Add(mapping);
    }

    private string Fields() => $"The fields of {_action.Class} are {string.Join(", ", _schema.Of(_action.Class).Select(f => f.Name))}.";

    private static string Attributes() => $"The attributes are {string.Join(", ", SourceAttributes.All)}, and custom.NAME for custom audit fields.";

    private static string Word(FieldType type) => type.ToString().ToLowerInvariant();

    private AlloyScanException Fault(string errorId, FieldMapping mapping, string problem, string advice) => new(
        ErrorKind.InvalidArgument, errorId, $"The mapping '{mapping}' of the service action '{_action.Name}' {problem}.", mapping, advice);
}
