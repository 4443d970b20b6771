using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Cmdb;

/// <summary>The fields of both classes of CIs as they are in a store now: the built-in ones, and the custom ones behind them.</summary>
internal sealed class CmdbSchema
{
    private readonly CmdbField[] _computer;
    private readonly CmdbField[] _hardware;
    private readonly CmdbField[] _customOfComputer;
    private readonly CmdbField[] _customOfHardware;

    private CmdbSchema(List<CmdbField> computerFields, List<CmdbField> hardwareFields)
    {
        _customOfComputer = [.. computerFields];
        _customOfHardware = [.. hardwareFields];
        _computer = [.. CmdbFields.All.Where(f => f.OnComputer), .. computerFields];
        _hardware = [.. CmdbFields.All.Where(f => f.OnHardware), .. hardwareFields];
    }

    public static CmdbSchema Load(StoreSession session)
    {
        var computer = new List<CmdbField>();
        var hardware = new List<CmdbField>();
        using var reader = session.Prepare("SELECT class, name, type FROM custom_fields ORDER BY class, name").Read();
        while (reader.Read())
        {
            var onComputer = reader.GetInt32(0) == (int)RecordClass.Computer;
            var fields = onComputer ? computer : hardware;
            if (!Enum.TryParse<FieldType>(reader.GetString(2), out var type))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidData, "UnknownFieldType", $"The store gives the custom field '{reader.GetString(1)}' the type '{reader.GetString(2)}', which does not exist.", reader.GetString(1),
                    $"The types are {string.Join(", ", Enum.GetNames<FieldType>())}.");
            }

            fields.Add(new CmdbField(CmdbFields.All.Count + fields.Count, reader.GetString(1), type, onComputer, !onComputer, IsCustom: true));
        }

        return new CmdbSchema(computer, hardware);
    }

    /// <summary>The fields that a class has.</summary>
    public IReadOnlyList<CmdbField> Of(RecordClass recordClass) => recordClass == RecordClass.Computer ? _computer : _hardware;

    /// <summary>The custom fields of a class.</summary>
    public CmdbField[] CustomOf(RecordClass recordClass) => recordClass == RecordClass.Computer ? _customOfComputer : _customOfHardware;

    public CmdbField? Find(RecordClass recordClass, string name) =>
        Of(recordClass).FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Length of a value array of a class.</summary>
    public int SizeOf(RecordClass recordClass) => Math.Max(CmdbFields.All.Count, Of(recordClass)[^1].Index + 1);
}
