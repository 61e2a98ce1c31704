using Larder.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddLarder().AddHttpCaching(http => http.Cache("/time/{zone}", ttl: TimeSpan.FromMinutes(1)));
var app = builder.Build();
app.UseLarder();
app.MapGet("/time/{zone}", (string zone) => TimeZoneInfo.ConvertTime(DateTimeOffset.Now, TimeZoneInfo.FindSystemTimeZoneById(zone)));
app.Run();
