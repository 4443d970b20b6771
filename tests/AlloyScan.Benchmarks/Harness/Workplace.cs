namespace AlloyScan.Benchmarks;

/// <summary>Folder of the stores of one scenario.</summary>
internal sealed class Workplace(string folder)
{
    /// <summary>Path of a store; whatever is there is removed.</summary>
    public string Empty(string name)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name + ".db");
        foreach (var old in (string[])[path, path + "-wal", path + "-shm"])
            File.Delete(old);
        return path;
    }

    /// <summary>A copy of a closed store.</summary>
    public string Copy(string store, string name)
    {
        var path = Empty(name);
        File.Copy(store, path);
        return path;
    }
}
