# The built-in VCL and a backend, nothing else; run.sh starts varnishd with malloc storage of 256 MB and its default parameters.
vcl 4.1;

backend origin {
    .host = "127.0.0.1";
    .port = "@ORIGIN_PORT@";
}
