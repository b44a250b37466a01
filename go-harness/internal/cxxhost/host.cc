//go:build asan

// Memory that is lent to the library lies in blocks of exactly its size, and is given back as soon as the call has
// returned: whoever reads it too far or too late is seen.

#include "host.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "courier.h"

namespace {

// Throws what the library says of the call that was refused.
void ok(courier_status status) {
    if (status == COURIER_OK) return;
    auto why = courier_last_error();
    throw std::runtime_error(std::string(why.data, why.len));
}

void check(bool holds, const char *what) {
    if (!holds) throw std::runtime_error(what);
}

// A copy of what the library lends, with nothing behind it.
std::vector<char> kept(courier_string_view lent) { return {lent.data, lent.data + lent.len}; }

// Completes a request with bytes that are gone when this returns.
void complete(courier_request request, const char *content) {
    std::vector<uint8_t> body(content, content + std::strlen(content));
    courier_response response{};
    response.size = sizeof response;
    response.kind = COURIER_RESPONSE_BYTES;
    response.bytes = {body.data(), body.size()};
    ok(courier_request_complete(request, &response));
}

// A runtime whose loads run when they are told to, with a session, and a provider that keeps all requests.
class Host {
public:
    Host() {
        courier_runtime_options options;
        ok(courier_runtime_options_init(&options, sizeof options));
        options.workers = COURIER_WORKERS_STEPPED;
        ok(courier_runtime_create(&options, &runtime_));
        ok(courier_session_create(runtime_, &session_));
        courier_provider provider{sizeof provider, provide, this};
        ok(courier_runtime_set_provider(runtime_, &provider));
    }
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;

    // Starts a load, and returns the request that the provider is given for it.
    courier_request load(const std::string &url) {
        // Without the zero behind it.
        std::vector<char> lent(url.begin(), url.end());
        uint64_t load = 0;
        uint32_t ran = 0;
        ok(courier_session_load(session_, {lent.data(), lent.size()}, nullptr, &load));
        ok(courier_runtime_step(runtime_, &ran));
        check(ran == 1, "one load runs");
        check(urls_.back() == lent, "the provider is given the URL of the load");
        return requests_.back();
    }

    // Takes so many events, and returns the content of each payload.
    std::vector<std::string> take(uint32_t wanted) {
        uint32_t unread = 0, count = 0;
        while (unread < wanted) ok(courier_runtime_pump(runtime_, -1, UINT32_MAX, &unread));
        std::vector<courier_event> events(wanted);
        ok(courier_runtime_drain_events(runtime_, events.data(), sizeof(courier_event), wanted, &count));
        check(count == wanted, "all events are there");
        std::vector<std::string> contents;
        for (const auto &event : events) {
            size_t required = 0;
            courier_blob_copy(event.payload, nullptr, 0, &required);
            std::vector<uint8_t> content(required);
            ok(courier_blob_copy(event.payload, content.data(), content.size(), &required));
            courier_blob_release(event.payload);
            contents.emplace_back(content.begin(), content.end());
        }
        return contents;
    }

    // Ends session and runtime, and tells what is refused. Nothing is thrown from a destructor.
    void close() {
        ok(courier_session_destroy(session_));
        ok(courier_runtime_destroy(runtime_));
    }

    // Makes the next callback throw inside.
    bool throws = false;
    // Exceptions that were caught before the library could meet them.
    int caught = 0;

private:
    // No exception may pass the library, which is not C++.
    static courier_decision provide(void *user_data, courier_request request,
                                    courier_string_view url) noexcept {
        auto host = static_cast<Host *>(user_data);
        try {
            host->urls_.push_back(kept(url));
            host->requests_.push_back(request);
            if (host->throws) throw std::runtime_error("from a callback");
            return COURIER_DECISION_HANDLE;
        } catch (const std::exception &) {
            host->caught++;
            return COURIER_DECISION_FAIL;
        }
    }

    courier_runtime runtime_ = 0;
    courier_session session_ = 0;
    std::vector<std::vector<char>> urls_;
    std::vector<courier_request> requests_;
};

// Plays a part with a host, and returns what went wrong as memory of C.
template <typename Part> char *play(Part part) noexcept {
    try {
        Host host;
        part(host);
        host.close();
        return nullptr;
    } catch (const std::exception &error) {
        return strdup(error.what());
    }
}

} // namespace

char *cxxhost_lends_bytes_for_one_call(void) {
    return play([](Host &host) {
        auto request = host.load("app:a");
        complete(request, "content");
        courier_request_release(request);
        check(host.take(1)[0] == "content", "the content arrives");
    });
}

char *cxxhost_answers_from_a_thread(void) {
    return play([](Host &host) {
        auto request = host.load("app:a");
        std::string wrong;
        std::thread([&] {
            try {
                complete(request, "content");
                courier_request_release(request);
            } catch (const std::exception &error) {
                wrong = error.what();
            }
        }).join();
        check(wrong.empty(), wrong.c_str());
        check(host.take(1)[0] == "content", "the content arrives");
    });
}

char *cxxhost_takes_events_into_memory_that_fits(void) {
    return play([](Host &host) {
        for (int i = 0; i < 3; i++) {
            auto request = host.load("app:" + std::to_string(i));
            complete(request, i == 1 ? "" : "content");
            courier_request_release(request);
        }
        check(host.take(3) == std::vector<std::string>{"content", "", "content"}, "the contents arrive");
    });
}

char *cxxhost_catches_what_its_callback_throws(void) {
    return play([](Host &host) {
        host.throws = true;
        host.load("app:a");
        check(host.caught == 1, "the exception stays in the callback");
        host.take(1);
    });
}
