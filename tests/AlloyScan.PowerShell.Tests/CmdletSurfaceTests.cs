using System.Reflection;
using AlloyScan.ModuleBuilder.Help;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Tests;

/// <summary>
/// What the cmdlets declare, read from metadata only: the reference assembly of PowerShell is inert, so behaviour is tested by Pester.
/// </summary>
public class CmdletSurfaceTests
{
    private static readonly Assembly s_module = typeof(AsyncCmdlet).Assembly;

    // The verbs of PowerShell's own constants that this module uses; each was looked up in Get-Verb.
    private static readonly string[] s_approved =
        ["Connect", "Disconnect", "Get", "Test", "New", "Set", "Add", "Remove", "Reset", "Enable", "Disable", "Invoke", "Start", "Stop", "Resolve", "Split", "Undo", "Export", "Import", "Register", "Unregister", "Copy", "Approve"];

    private static readonly string[] s_mutators = ["New", "Set", "Add", "Remove", "Reset", "Enable", "Disable", "Invoke", "Start", "Stop", "Resolve", "Split", "Undo", "Export", "Import", "Register", "Unregister", "Copy", "Approve"];

    // They make an object and change nothing, so that there is nothing to ask.
    private static readonly string[] s_makers = ["New-AlloyScanSchedule"];

    public static TheoryData<string> Names => [.. StagedModule.Cmdlets.Select(cmdlet => cmdlet.Name)];

    private static Cmdlet Cmdlet(string name) => StagedModule.Cmdlets.Single(cmdlet => cmdlet.Name == name);

    [Fact]
    public void The_manifest_exports_exactly_the_cmdlets() =>
        Assert.Equal(StagedModule.Cmdlets.Select(cmdlet => cmdlet.Name), StagedModule.ManifestList("CmdletsToExport").Order(StringComparer.Ordinal));

    [Fact]
    public void The_manifest_exports_nothing_else_and_no_wildcard()
    {
        Assert.Empty(StagedModule.ManifestList("FunctionsToExport"));
        Assert.Empty(StagedModule.ManifestList("AliasesToExport"));
        Assert.Empty(StagedModule.ManifestList("VariablesToExport"));
        Assert.DoesNotContain("'*'", StagedModule.Manifest, StringComparison.Ordinal);
    }

    [Fact]
    public void The_manifest_carries_the_version_of_the_build() =>
        Assert.Contains($"ModuleVersion        = '{StagedModule.Version}'", StagedModule.Manifest, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_verb_is_approved(string name) => Assert.Contains(name.Split('-')[0], s_approved);

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_noun_carries_the_product(string name) => Assert.Matches("-Alloy(Scan|Cmdb)[A-Za-z]*$", name);

    [Theory]
    [MemberData(nameof(Names))]
    public void Mutators_and_only_they_ask_ShouldProcess(string name) =>
        Assert.Equal(s_mutators.Contains(name.Split('-')[0]) && !s_makers.Contains(name), Cmdlet(name).ShouldProcess);

    [Fact]
    public void Each_class_is_named_after_its_cmdlet_and_sealed()
    {
        foreach (var cmdlet in StagedModule.Cmdlets)
        {
            var type = s_module.GetType($"AlloyScan.PowerShell.Commands.{cmdlet.Name.Replace("-", string.Empty, StringComparison.Ordinal)}Command");
            Assert.True(type is { IsSealed: true, IsPublic: true }, cmdlet.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_set_takes_at_most_one_parameter_from_the_pipeline_by_value(string name)
    {
        var cmdlet = Cmdlet(name);
        foreach (var set in cmdlet.Sets)
            Assert.True(Syntax.Parameters(cmdlet, set).Count(pair => pair.InSet.FromPipeline) <= 1, set);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_secret_is_a_plain_string(string name)
    {
        var secrets = Cmdlet(name).Parameters.Where(parameter => parameter.Name.Contains("Secret", StringComparison.Ordinal) || parameter.Name.Contains("Password", StringComparison.Ordinal));
        // The variable, the file and the entry of a vault say where a secret is.
        Assert.All(secrets, parameter => Assert.True(parameter.Type == "SecureString" || parameter.Name is "ClientSecretVariable" or "ClientSecretFile" or "SecretFile" or "VaultSecret", parameter.Name));
    }

    [Fact]
    public void No_type_of_a_dependency_is_in_a_public_signature()
    {
        var foreign = new List<string>();
        foreach (var type in s_module.GetExportedTypes().Concat(typeof(Engine.AlloyScanException).Assembly.GetExportedTypes()))
        {
            var types = type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                .SelectMany(member => member switch
                {
                    PropertyInfo property => [property.PropertyType],
                    MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
                    ConstructorInfo constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
                    FieldInfo field => [field.FieldType],
                    _ => Enumerable.Empty<Type>(),
                })
                .Append(type.BaseType ?? typeof(object))
                .SelectMany(Parts);
            foreign.AddRange(types
                .Where(part => part.Assembly.GetName().Name is "Newtonsoft.Json" or "RestSharp" or "Polly.Core" or "Dapper" or "Microsoft.Data.Sqlite" or "NodaTime" or "Microsoft.OpenApi" or "MailKit" or "MimeKit")
                .Select(part => $"{type.FullName}: {part.FullName}"));
        }

        Assert.Empty(foreign);

        static IEnumerable<Type> Parts(Type type) =>
            type.HasElementType ? Parts(type.GetElementType()!) : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }

    [Fact]
    public void No_emitted_type_has_a_property_of_the_names_that_the_cmdlets_add()
    {
        // Objects carry where they come from as note properties, which are added without a look for others of the name.
        foreach (var type in typeof(Engine.AlloyScanException).Assembly.GetExportedTypes())
        {
            Assert.Null(type.GetProperty("Store"));
            Assert.Null(type.GetProperty("Connection"));
        }
    }

    [Fact]
    public void Each_field_parameter_of_the_editing_cmdlets_is_one_that_the_engine_can_set()
    {
        Check("Set-AlloyCmdbComputer", Engine.Inventory.RecordClass.Computer);
        Check("Set-AlloyCmdbHardware", Engine.Inventory.RecordClass.Hardware);

        static void Check(string name, Engine.Inventory.RecordClass recordClass)
        {
            string[] others = ["Id", "Custom", "PassThru", "Store", "WhatIf", "Confirm"];
            var fields = Cmdlet(name).Parameters.Select(parameter => parameter.Name).Except(others).Select(FieldName).Order();
            Assert.Equal(Engine.Cmdb.CmdbRepository.EditableFields(recordClass).Order(), fields);
        }

        static string FieldName(string parameter) =>
            string.Concat(parameter.Select((c, i) => char.IsUpper(c) ? (i > 0 ? "_" : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));
    }
}
