using AlloyScan.Engine.Inventory;
using System.Text.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>Reads rows of the software catalog. One instance reads one body.</summary>
internal sealed class ProductReader(ApiProfile profile, CompiledProfile compiled) : FieldReader(compiled.Product, ApiFields.ProductFields.Length)
{
    /// <summary>Reads the row at the reader.</summary>
    /// <exception cref="BodyException">The row cannot be understood.</exception>
    internal CatalogProduct Read(ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new BodyException(BodyFault.Shape, "UnreadableProduct", $"a row of the software catalog is {reader.Describe()} and not an object");
        }

        ReadFields(ref reader);
        string? id = Values[ApiFields.Product.Id];
        if (string.IsNullOrWhiteSpace(id))
        {
            Fail($"The field '{profile.Product["id"] ?? "id"}' is missing.");
        }

        long? installations = Number(ApiFields.Product.Installations, profile.Product["installations"] ?? "installations");
        if (Problem is { } problem)
        {
            throw new BodyException(BodyFault.Shape, "UnreadableProduct", $"row '{Values[ApiFields.Product.Name] ?? id}' of the software catalog cannot be understood. {problem}");
        }

        return new CatalogProduct
        {
            Id = id!,
            Name = Values[ApiFields.Product.Name],
            Version = Values[ApiFields.Product.Version],
            Publisher = Values[ApiFields.Product.Publisher],
            SoftwareGroup = Values[ApiFields.Product.SoftwareGroup],
            Installations = installations is { } n ? (int)Math.Clamp(n, int.MinValue, int.MaxValue) : null,
        };
    }
}
