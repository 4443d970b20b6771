using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.ModuleBuilder.Help;

/// <summary>A parameter within one parameter set.</summary>
internal sealed record ParameterInSet(string Set, bool Mandatory, int? Position, bool FromPipeline, bool FromPipelineByName);

/// <summary>A parameter, as the attributes declare it.</summary>
internal sealed record CmdletParameter(
    string Name, string Type, string Text, IReadOnlyList<string> Aliases, bool Wildcards, string? Values, IReadOnlyList<ParameterInSet> Sets)
{
    public const string AllSets = "__AllParameterSets";

    public bool IsSwitch => Type == "SwitchParameter";

    public ParameterInSet? In(string set) => Sets.FirstOrDefault(s => s.Set == set) ?? Sets.FirstOrDefault(s => s.Set == AllSets);
}

/// <summary>A cmdlet, as the attributes declare it.</summary>
internal sealed record Cmdlet(
    string Name, string Synopsis, bool ShouldProcess, string? DefaultSet, IReadOnlyList<CmdletParameter> Parameters, IReadOnlyList<string> Outputs)
{
    /// <summary>Names of the parameter sets, the default one first.</summary>
    public IReadOnlyList<string> Sets
    {
        get
        {
            var named = Parameters.SelectMany(p => p.Sets).Select(s => s.Set).Where(s => s != CmdletParameter.AllSets).Distinct().OrderBy(s => s == DefaultSet ? 0 : 1).ToArray();
            return named.Length == 0 ? [CmdletParameter.AllSets] : named;
        }
    }
}

/// <summary>
/// Reads the cmdlets by their metadata only: the reference assembly of PowerShell is inert, so nothing of it may run.
/// </summary>
internal static class CmdletSurface
{
    /// <summary>The order in which base classes and cmdlets declare parameters says little, so mandatory and positional ones come first.</summary>
    public static IReadOnlyList<Cmdlet> Read()
    {
        var assembly = typeof(AsyncCmdlet).Assembly;
        var comments = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value, member => Text(member.Element("summary")));
        return
        [
            .. assembly.GetExportedTypes()
                .Select(type => (Type: type, Attribute: Attribute(type, "CmdletAttribute")))
                .Where(pair => pair.Attribute is not null)
                .Select(pair => Read(pair.Type, pair.Attribute!, comments))
                .OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal),
        ];
    }

    private static Cmdlet Read(Type type, CustomAttributeData attribute, Dictionary<string, string> comments)
    {
        var name = $"{attribute.ConstructorArguments[0].Value}-{attribute.ConstructorArguments[1].Value}";
        var defaultSet = Named(attribute, "DefaultParameterSetName") as string;
        var shouldProcess = Named(attribute, "SupportsShouldProcess") is true;
        var parameters = type.GetProperties()
            .Where(property => Attributes(property, "ParameterAttribute").Any())
            .Select(property => Read(property, comments))
            .OrderBy(parameter => parameter.Sets.Min(set => set.Position ?? int.MaxValue))
            .ThenBy(parameter => parameter.Sets.Any(set => set.Mandatory) ? 0 : 1)
            .ToList();
        if (shouldProcess)
        {
            parameters.Add(Common("WhatIf", name == "Invoke-AlloyScanSync"
                ? "Emits the changes that the run would make, found by the same code, and writes nothing."
                : "Shows what would be done and does nothing."));
            parameters.Add(Common("Confirm", "Asks before each change."));
        }

        var outputs = Attributes(type, "OutputTypeAttribute")
            .SelectMany(output => output.ConstructorArguments)
            .SelectMany(argument => argument.Value as IReadOnlyCollection<CustomAttributeTypedArgument> ?? [argument])
            .Select(argument => argument.Value).OfType<Type>().Where(output => output != typeof(void))
            .Select(output => output.FullName!)
            .ToArray();
        return new Cmdlet(name, comments[$"T:{type.FullName}"], shouldProcess, defaultSet, parameters, outputs);
    }

    private static CmdletParameter Common(string name, string text) =>
        new(name, "SwitchParameter", text, [name == "WhatIf" ? "wi" : "cf"], false, null, [new ParameterInSet(CmdletParameter.AllSets, false, null, false, false)]);

    private static CmdletParameter Read(PropertyInfo property, Dictionary<string, string> comments)
    {
        var declaring = property.DeclaringType!;
        var owner = declaring.IsGenericType ? declaring.GetGenericTypeDefinition().FullName! : declaring.FullName!;
        var sets = Attributes(property, "ParameterAttribute")
            .Select(attribute => new ParameterInSet(
                Named(attribute, "ParameterSetName") as string ?? CmdletParameter.AllSets,
                Named(attribute, "Mandatory") is true,
                Named(attribute, "Position") is int position and >= 0 ? position : null,
                Named(attribute, "ValueFromPipeline") is true,
                Named(attribute, "ValueFromPipelineByPropertyName") is true))
            .ToArray();
        var aliases = Attributes(property, "AliasAttribute")
            .SelectMany(attribute => (IReadOnlyCollection<CustomAttributeTypedArgument>)attribute.ConstructorArguments[0].Value!)
            .Select(argument => (string)argument.Value!)
            .ToArray();
        return new CmdletParameter(
            property.Name, TypeName(property.PropertyType), comments[$"P:{owner}.{property.Name}"], aliases,
            Attributes(property, "SupportsWildcardsAttribute").Any(), Values(property), sets);
    }

    private static string? Values(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum)
            return string.Join(", ", Enum.GetNames(type));

        if (Attributes(property, "ValidateSetAttribute").FirstOrDefault() is { } set)
            return string.Join(", ", ((IReadOnlyCollection<CustomAttributeTypedArgument>)set.ConstructorArguments[0].Value!).Select(value => value.Value));

        return Attributes(property, "ValidateRangeAttribute").FirstOrDefault() is { } range
            ? Range(range.ConstructorArguments[0].Value!, range.ConstructorArguments[1].Value!)
            : null;
    }

    private static string Range(object from, object to) =>
        to is int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"{from} or more") : string.Create(CultureInfo.InvariantCulture, $"{from} to {to}");

    private static string TypeName(Type type)
    {
        if (type.IsArray)
            return TypeName(type.GetElementType()!) + "[]";

        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.Name;
    }

    private static CustomAttributeData? Attribute(MemberInfo member, string name) => Attributes(member, name).FirstOrDefault();

    private static IEnumerable<CustomAttributeData> Attributes(MemberInfo member, string name) =>
        member.GetCustomAttributesData().Where(attribute => attribute.AttributeType.Name == name);

    private static object? Named(CustomAttributeData attribute, string name) =>
        attribute.NamedArguments.FirstOrDefault(argument => argument.MemberName == name).TypedValue.Value;

    private static string Text(XElement? element) =>
        element is null ? string.Empty : string.Join(' ', element.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
