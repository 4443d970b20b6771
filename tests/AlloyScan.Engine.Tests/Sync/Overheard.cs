using System.Net;
using System.Text;
using System.Text.Json;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Listens to everything that a run says, for proving that no secret is in it.</summary>
internal sealed class Overheard : ISyncObserver
{
    private readonly StringBuilder _all = new();

    public void OnProgress(SyncProgress progress) => _all.AppendLine(progress.ToString());

    public void OnChange(SyncChange change) => _all.AppendLine(JsonConvert.SerializeObject(change));

    public void OnError(SyncError error) => _all.AppendLine(JsonConvert.SerializeObject(error)).AppendLine(error.ToString());

    public void OnWarning(string message) => _all.AppendLine(message);

    public void OnVerbose(string message) => _all.AppendLine(message);

    public void Add(SyncRun run)
    {
        _all.AppendLine(run.ToString()).AppendLine(run.Message).AppendLine(JsonLine.Of(run));
        if (run.Failure is { } failure)
            Add(failure);
    }

    public void Add(AlloyScanException failure)
    {
        _all.AppendLine(failure.ToString()).AppendLine(failure.MessageWithAdvice).AppendLine(failure.Target?.ToString());
        if (failure is SiteException site)
            _all.AppendLine(site.ServerMessage).AppendLine(site.RequestPath);
        for (Exception? e = failure; e is not null; e = e.InnerException)
            _all.AppendLine(e.Message).AppendLine(string.Join(' ', e.Data.Values.Cast<object?>()));
    }

    public void Add(string text) => _all.AppendLine(text);

    /// <summary>All bytes of a store, of its log too, as characters.</summary>
    public void AddFiles(string path)
    {
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + "*"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            // UTF-8 where it is that, and each byte for itself.
            _all.AppendLine(Encoding.UTF8.GetString(bytes)).AppendLine(Encoding.Latin1.GetString(bytes));
        }
    }

    public void AssertSilentOn(IEnumerable<string> secrets)
    {
        var all = _all.ToString();
        foreach (var secret in secrets)
        {
            foreach (var form in FormsOf(secret))
            {
                var at = all.IndexOf(form, StringComparison.OrdinalIgnoreCase);
                Assert.True(at < 0, at < 0 ? null : $"A secret was said: ...{all[Math.Max(0, at - 200)..at].ReplaceLineEndings(" ")}>>>here<<<");
            }
        }
    }

    private static IEnumerable<string> FormsOf(string secret)
    {
        yield return secret;
        yield return Uri.EscapeDataString(secret);
        yield return WebUtility.UrlEncode(secret);
        yield return WebUtility.HtmlEncode(secret);
        yield return JsonEncodedText.Encode(secret).ToString();
        yield return JsonConvert.ToString(secret).Trim('"');
        foreach (var before in (string[])["", "x", "xy"])
        {
            // Without the ends, which depend on what stands beside it.
            var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(before + secret));
            yield return text[4..^4];
        }
    }
}
