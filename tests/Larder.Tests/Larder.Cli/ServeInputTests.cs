using Larder.Cli.Configuration;
using Larder.Gateway.Configuration;

namespace Larder.Tests.Cli;

/// <summary>Flags, the environment and the file, and which of them wins.</summary>
public sealed class ServeInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_flag_wins_over_the_environment_and_that_over_the_file()
    {
        string file = Write("""{"origin":"http://file","urls":"http://file:1","redis":"file:1"}""");

        Assert.Equal("http://file/ http://file:1 file:1", Read(new(), file));
        Assert.Equal("http://environment/ http://environment:2 file:1", Read(new(), file, ("LARDER_ORIGIN", "http://environment"), ("LARDER_URLS", "http://environment:2"), ("REDIS_URL", "environment:1")));
        Assert.Equal("http://flag/ http://flag:3 flag:1", Read(new("http://flag", "http://flag:3", "flag:1"), file, ("LARDER_ORIGIN", "http://environment"), ("LARDER_URLS", "http://environment:2")));
        Assert.Equal("http://file/ http://file:1 file:1", Read(new(), null, ("LARDER_CONFIG", file)));
        Assert.Equal("http://file/ http://file:1 file:1", Read(new(), file, ("LARDER_CONFIG", "/no/such.json"), ("LARDER_ORIGIN", ""), ("LARDER_URLS", "")));
        Assert.Equal("http://a/ http://127.0.0.1:8080 environment:1", Read(new("http://a"), null, ("REDIS_URL", "environment:1")));
    }

    [Fact]
    public void Mistakes_are_told_under_the_name_of_the_variable() =>
        Assert.Equal(
            ["LARDER_ORIGIN: \"x\" is not allowed; an absolute http or https URL such as http://127.0.0.1:8081", "LARDER_URLS: \"y\" is not allowed; a URL such as http://127.0.0.1:8080, with nothing after the port", "/no/such.json: it can't be read: there is no such file"],
            Input(new(), null, ("LARDER_ORIGIN", "x"), ("LARDER_URLS", "y"), ("LARDER_CONFIG", "/no/such.json")).Read().Problems.Select(p => p.ToString()));

    [Fact]
    public void The_file_is_read_anew_each_time()
    {
        string file = Write("""{"origin":"http://a"}""");
        ServeInput input = Input(new(), file);
        Assert.Equal("http://a", ServeInput.Names(input.Read().Options!));
        Write("""{"origin":"http://a/x/","origins":[{"url":"http://b","path":"/b"},{"name":"c","url":"http://c","path":"/c"}]}""");
        Assert.Equal("http://b, c, http://a/x", ServeInput.Names(input.Read().Options!));
    }

    private string Write(string text)
    {
        string file = Path.Combine(_folder, "larder.json");
        File.WriteAllText(file, text);
        return file;
    }

    private static string Read(ConfigurationFlags flags, string? file, params (string Name, string Value)[] environment)
    {
        ConfigurationResult read = Input(flags, file, environment).Read();
        Assert.Empty(read.Problems);
        return $"{read.Options!.Origin} {string.Join(',', read.Options.Urls)} {read.Options.Redis}";
    }

    private static ServeInput Input(ConfigurationFlags flags, string? file, params (string Name, string Value)[] environment) =>
        new(flags, file, name => environment.Where(v => v.Name == name).Select(v => v.Value).SingleOrDefault());
}
