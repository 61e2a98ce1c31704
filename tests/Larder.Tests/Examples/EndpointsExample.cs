using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Examples;

/// <summary>The program of docs/features/endpoints.md.</summary>
public sealed class EndpointsExample
{
    private sealed class Shop
    {
        private readonly Dictionary<int, string> _books = new() { [1] = "Dune" };

        public int Reads { get; private set; }

        public string Read(int id)
        {
            Reads++;
            return _books.GetValueOrDefault(id, "");
        }

        public string Search(string word) => string.Join(", ", _books.Values.Where(title => title.Contains(word, StringComparison.Ordinal)));

        public void Write(int id, string title) => _books[id] = title;
    }

    [Fact]
    public async Task Endpoints_say_how_they_are_cached()
    {
        var shop = new Shop();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLarder();
        await using WebApplication app = builder.Build();
        app.UseLarder();
        app.MapGet("/books/{id:int}", (int id) => shop.Read(id)).CacheResponse(TimeSpan.FromMinutes(5), "book:{id}");
        app.MapGet("/books", (string word) => shop.Search(word)).CacheResponse(rule => rule with
        {
            Ttl = TimeSpan.FromMinutes(1),
            StaleWhileRevalidate = TimeSpan.FromMinutes(10),
            Query = QueryPolicy.Only("word"),
            VaryByHeaders = ["Accept-Language"],
            Tags = ["books"],
        });
        app.MapPut("/books/{id:int}", (int id, string title) => shop.Write(id, title)).InvalidatesCache("book:{id}", "books");
        app.MapGet("/today", (HttpContext context) =>
        {
            context.Larder().Ttl = DateTime.UtcNow.Date.AddDays(1) - DateTime.UtcNow + TimeSpan.FromSeconds(1);
            context.Larder().Tag("today");
            return shop.Read(1);
        });
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        Assert.Equal("Dune", await client.GetStringAsync("/books/1"));
        Assert.Equal("Dune", await client.GetStringAsync("/books/1"));
        Assert.Equal(1, shop.Reads);
        Assert.Equal("Dune", await client.GetStringAsync("/books?word=D&utm_source=mail"));
        (await client.PutAsync("/books/1?title=Dune%20II", null)).EnsureSuccessStatusCode();
        Assert.Equal("Dune II", await client.GetStringAsync("/books/1"));
        Assert.Equal("Dune II", await client.GetStringAsync("/books?word=D"));
        Assert.Equal("Dune II", await client.GetStringAsync("/today"));
        shop.Write(1, "Dune III");
        Assert.Equal("Dune II", await client.GetStringAsync("/today"));
    }
}
