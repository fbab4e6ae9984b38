// XEP-0050: Ad-Hoc Commands. The operations table for administrators with any client: each operation is a command of
// the domain, its node the operation's words. Start reading at Commands::answer().
// SPDX-License-Identifier: Apache-2.0
#include "admin/xep0050_commands.h"

#include <algorithm>

#include "admin/operation_form.h"
#include "admin/perform.h"
#include "base/bytes.h"
#include "base/metrics.h"
#include "router/run_at.h"

namespace jackdaw {
namespace {

constexpr std::string_view commands_ns = "http://jabber.org/protocol/commands";
constexpr std::string_view info_ns = "http://jabber.org/protocol/disco#info";
constexpr std::string_view items_ns = "http://jabber.org/protocol/disco#items";
constexpr Name command_name{commands_ns, "command"};

constexpr std::size_t most_sessions = 1000, most_sessions_each = 10;
constexpr Seconds session_time = 10min;
// More than this is much for a client to show, and for a stream to hold back.
constexpr std::size_t largest_answer = 256 * 1024;

const Metric refused_commands{"jackdaw_commands_refused", "Ad-hoc commands refused before they were begun."};

// Those that are done by a server that runs.
const Operation* find_operation(const OperationContext& context, std::string_view node) {
  for (const Operation* operation : *context.operations)
    if (operation->words == node && operation->needs != Needs::program) return operation;
  return nullptr;
}

// XEP-0050 §4.4.
StanzaError bad_request(std::string_view condition, std::string text) {
  return {.condition = Condition::bad_request,
          .text = std::move(text),
          .extra = "<" + std::string{condition} + " xmlns='" + std::string{commands_ns} + "'/>"};
}

std::string query_xml(std::string_view ns, std::string_view node, std::string_view inside) {
  return "<query xmlns='" + std::string{ns} + "' node='" + escaped(node) + "'>" + std::string{inside} + "</query>";
}

// One execution of a command, from the form to what was filled in.
struct CommandSession {
  std::string who;  // full JID
  std::string node;
  Steady until;
};

class Commands {
 public:
  explicit Commands(Domain& domain) : domain_(domain) {}

  Task<Reply> answer(IqRequest iq) {
    Reply reply = co_await execute(iq);
    if (const StanzaError* error = reply.error()) {
      refused_commands.add();
      domain_.log().problem("ad-hoc command refused", {{"from", iq.from().text()},
                                                       {"node", iq.payload().attribute("node").substr(0, 100)},
                                                       {"condition", name_of(error->condition)}});
    }
    co_return reply;
  }

  // XEP-0050 §2.2. Who may do nothing sees no commands.
  Task<std::optional<Reply>> disco(IqRequest iq) {
    const auto context = administration();
    const std::string node = iq.payload().attribute("node");
    const bool asks_list = node == commands_ns;
    const Operation* operation = context && !asks_list ? find_operation(*context, node) : nullptr;
    if (!context || (!asks_list && !operation)) co_return std::nullopt;
    const auto asking = co_await actor_asking(iq);
    if (!asking) co_return Reply{StanzaError{Condition::internal_server_error}};
    const auto& actor = *asking;
    if (operation && (!actor || !may_somewhere(*actor, *operation))) {
      note_refused(actor ? Asker::administrator : Asker::anybody, node, iq.from_bare().text(), "no right to it");
      co_return Reply{forbidden()};
    }
    if (iq.payload().ns() == info_ns) co_return Reply::with(query_xml(info_ns, node, about(operation)));
    std::string items;
    if (asks_list && actor) items = items_for(*context, *actor);
    co_return Reply::with(query_xml(items_ns, node, items));
  }

 private:
  // Who asks for which operation; answer() keeps what it refers to.
  struct Asked {
    const IqRequest& iq;
    OperationContext& context;
    Actor actor;
    const Operation& operation;
  };

  std::shared_ptr<OperationContext> administration() const { return domain_.shard().server().administration; }

  static StanzaError forbidden() { return {Condition::forbidden, "You may not do that on this server."}; }

  static StanzaError lacks_right(const Actor& actor, const Operation& operation) {
    return {Condition::forbidden, std::string{operation.words} + ": needs the right " +
                                      std::string{name_of(operation.right)} + "; you have " + actor.rights.text() +
                                      '.'};
  }

  static std::string about(const Operation* operation) {
    const std::string name{operation ? operation->summary : "What administrators can do"};
    return "<identity category='automation' type='" + std::string{operation ? "command-node" : "command-list"} +
           "' name='" + escaped(name) + "'/><feature var='" + std::string{commands_ns} +
           "'/><feature var='jabber:x:data'/>";
  }

  std::string items_for(const OperationContext& context, const Actor& actor) const {
    std::string items;
    for (const Operation* operation : *context.operations) {
      if (operation->needs == Needs::program || !may_somewhere(actor, *operation)) continue;
      const std::string words{operation->words};
      items += "<item jid='" + escaped(domain_.name()) + "' node='" + words + "' name='" +
               escaped(words + ": " + std::string{operation->summary}) + "'/>";
    }
    return items;
  }

  // An account of this server with rights; nobody else is an administrator.
  Task<Result<std::optional<Actor>>> actor_asking(const IqRequest& iq) {
    const JidView from = iq.from();
    Shard& shard = domain_.shard();
    if (!from.has_localpart() || !shard.domain(from.domainpart())) co_return std::nullopt;
    co_return co_await actor_of(shard.server(), iq.from_bare());
  }

  Task<Reply> execute(const IqRequest& iq) {
    const auto context = administration();
    if (!context) co_return StanzaError{Condition::service_unavailable};
    auto asking = co_await actor_asking(iq);
    if (!asking) co_return StanzaError{Condition::internal_server_error};
    auto& actor = *asking;
    const std::string node = iq.payload().attribute("node");
    if (!actor) {
      note_refused(Asker::anybody, node.substr(0, 100), iq.from_bare().text(), "no rights");
      co_return forbidden();
    }
    const Operation* operation = find_operation(*context, node);
    if (!operation) co_return StanzaError{Condition::item_not_found, "There is no such command."};
    if (!may_somewhere(*actor, *operation)) {
      auto lacks = lacks_right(*actor, *operation);
      note_refused(Asker::administrator, node, actor->name, lacks.text);
      co_return lacks;
    }
    co_return co_await act({iq, *context, std::move(*actor), *operation});
  }

  // XEP-0050 §3.4.
  Task<Reply> act(Asked asked) {
    const Element command = asked.iq.payload();
    const std::string node = command.attribute("node"), id = command.attribute("sessionid");
    const std::string action = command.has_attribute("action") ? command.attribute("action") : "execute";
    static constexpr std::string_view actions[] = {"execute", "cancel", "prev", "next", "complete"};
    if (std::ranges::find(actions, action) == std::end(actions))
      co_return bad_request("malformed-action", "There is no such action.");
    if (!command.has_attribute("sessionid")) co_return co_await begin(std::move(asked), action);
    if (auto error = refuse_session(asked.iq, id, node)) co_return *error;
    if (action == "cancel") {
      sessions_.erase(id);
      co_return reply(node, id, "canceled", {});
    }
    if (action != "execute" && action != "complete")
      co_return bad_request("bad-action", "This command has one stage; complete or cancel it.");
    const Element form = command.child(data_form);
    // XEP-0050 §3.5.1: a form that was cancelled counts as a submitted one; the action says what is to be done.
    const std::string type = form ? form.attribute("type") : "submit";
    if (type != "submit" && type != "cancel") co_return bad_request("bad-payload", "That form is not a submitted one.");
    const auto values = values_from_form(asked.operation, form);
    if (!values) co_return bad_request("bad-payload", values.failure().what);
    sessions_.erase(id);
    co_return co_await run(std::move(asked), *values, id);
  }

  // XEP-0050 §3.3: a session is one requester's; to others it is none.
  std::optional<StanzaError> refuse_session(const IqRequest& iq, const std::string& id, const std::string& node) {
    drop_expired();
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second.who != iq.from().text())
      return StanzaError{.condition = Condition::not_allowed,
                         .text = "This session is over; begin the command again.",
                         .extra = "<session-expired xmlns='" + std::string{commands_ns} + "'/>"};
    if (found->second.node == node) return std::nullopt;
    return bad_request("bad-sessionid", "This session is another command's.");
  }

  Task<Reply> begin(Asked asked, const std::string& action) {
    if (action == "cancel" || action == "prev") co_return bad_request("bad-sessionid", "There is no session yet.");
    const std::string id = random_token(16), node{asked.operation.words};
    if (!has_form(asked.operation)) co_return co_await run(std::move(asked), {}, id);
    const std::string who{asked.iq.from().text()};
    make_room(who);
    if (sessions_.size() >= most_sessions)
      co_return StanzaError{Condition::resource_constraint, "Too many commands are being filled in."};
    sessions_.emplace(id, CommandSession{who, node, domain_.shard().core().now() + session_time});
    co_return reply(node, id, "executing",
                    "<actions execute='complete'><complete/></actions>" + form_of(asked.operation));
  }

  void drop_expired() {
    const Steady now = domain_.shard().core().now();
    std::erase_if(sessions_, [now](const auto& each) { return each.second.until <= now; });
  }

  // The oldest of somebody's who begins many goes.
  void make_room(const std::string& who) {
    drop_expired();
    auto oldest = sessions_.end();
    std::size_t theirs = 0;
    for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
      if (each->second.who != who) continue;
      ++theirs;
      if (oldest == sessions_.end() || each->second.until < oldest->second.until) oldest = each;
    }
    if (theirs >= most_sessions_each) sessions_.erase(oldest);
  }

  // A user's own requests are handled on the account's home core.
  SessionRef session_of(const IqRequest& iq) {
    Account* account = domain_.router().find_awake(iq.from().bare());
    const Resource* resource = account ? account->find(iq.from().resourcepart()) : nullptr;
    return resource ? resource->session : nullptr;
  }

  Task<Reply> run(Asked asked, OperationValues values, std::string id) {
    const std::string words{asked.operation.words};
    const SessionRef session = session_of(asked.iq);
    const auto result = co_await run_at<OperationResult>(*domain_.shard().server().shards.front(), [&] {
      return perform(asked.context, asked.actor, words, values, session.get());
    });
    // XEP-0050 §3.6: a failure is a completed command with a note.
    if (!result) co_return reply(words, id, "completed", note_of("error", result.failure().what));
    const std::string inside = xml_of(*result);
    if (inside.size() > largest_answer)
      co_return reply(words, id, "completed", note_of("error", "It is done; the answer is too long to be sent."));
    co_return reply(words, id, "completed", inside);
  }

  static Reply reply(const std::string& node, const std::string& id, std::string_view status, std::string_view inside) {
    return Reply::with("<command xmlns='" + std::string{commands_ns} + "' node='" + escaped(node) + "' sessionid='" +
                       escaped(id) + "' status='" + std::string{status} + "' xml:lang='en'>" + std::string{inside} +
                       "</command>");
  }

  Domain& domain_;
  std::map<std::string, CommandSession> sessions_;  // by id; at most most_sessions
};

void setup(Domain& domain) {
  auto& commands = domain.keep<Commands>(domain);
  domain.feature(commands_ns);
  domain.on_disco_node([&](IqRequest iq) { return commands.disco(std::move(iq)); });
  domain.on_iq({Type::set, {To::domain}, command_name}, [&](IqRequest iq) { return commands.answer(std::move(iq)); });
}

}  // namespace

const Module xep0050_commands{
    .name = "commands",
    .summary = "Lets administrators do everything that the command line does, with any client.",
    .implements = {{.xep = 4, .version = "2.13.2"}, {.xep = 50, .version = "1.3.0"}},
    .setup = setup,
};

}  // namespace jackdaw
