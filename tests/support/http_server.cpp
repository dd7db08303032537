// SPDX-License-Identifier: MIT
// A web server for tests: http_server FOLDER PORT_FILE serves the files of a folder on 127.0.0.1
// (GET only, one request at a time), writes its port to PORT_FILE, and ends after a minute.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(server, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(server, 4) != 0 ||
      getsockname(server, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("http_server");
    return 1;
  }
  alarm(60);
  std::ofstream(std::string(argv[2]) + ".tmp") << ntohs(address.sin_port) << "\n";
  std::rename((std::string(argv[2]) + ".tmp").c_str(), argv[2]);
  for (;;) {
    const int client = accept(server, nullptr, nullptr);
    if (client < 0) return 1;
    char request[4096];
    const ssize_t n = read(client, request, sizeof request);
    const std::string text(request, n > 0 ? static_cast<std::size_t>(n) : 0);
    const std::size_t end = text.find(' ', 4);
    std::string answer = "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    if (text.rfind("GET /", 0) == 0 && end != std::string::npos &&
        text.find("..") == std::string::npos) {
      std::ifstream file(std::string(argv[1]) + text.substr(4, end - 4), std::ios::binary);
      if (file) {
        const std::string body((std::istreambuf_iterator<char>(file)), {});
        answer =
            "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      }
    }
    for (std::size_t sent = 0; sent < answer.size();) {
      const ssize_t k = write(client, answer.data() + sent, answer.size() - sent);
      if (k <= 0) break;
      sent += static_cast<std::size_t>(k);
    }
    close(client);
  }
}
