// Sends prepared OTLP requests, and takes in what a collector passes on: both ends of benchmarks/collector.py.
//
//	otlp_load send -to ADDRESS -requests FILE [-repeat N] [-at-once N] [-for DURATION] [-http]
//	otlp_load sink
//
// Requests stay bytes, so that neither end takes much of the processor. A file holds requests, each after its length as
// four bytes, big-endian. Answers are one JSON object: those of send when it is done, those of a sink at GET /.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // some compress whatever they send
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	traces   = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	patience = 10 * time.Millisecond // before a request that was refused for now is sent again
	largest  = 64 << 20
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == "send" {
		send(os.Args[2:])
	} else if len(os.Args) > 1 && os.Args[1] == "sink" {
		sink()
	} else {
		log.Fatal("usage: otlp_load send|sink")
	}
}

// raw passes messages as they are.
type raw struct{}

func (raw) Name() string                       { return "proto" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }

type sent struct {
	Requests int64   `json:"requests"`
	Repeated int64   `json:"repeated"`
	Seconds  float64 `json:"seconds"`
}

// errBusy is the answer that a request is to be sent again.
var errBusy = fmt.Errorf("not now")

func send(arguments []string) {
	flags := flag.NewFlagSet("send", flag.ExitOnError)
	to := flags.String("to", "", "HOST:PORT")
	file := flags.String("requests", "", "file of requests")
	repeat := flags.Int("repeat", 1, "how often the file is sent")
	atOnce := flags.Int("at-once", 8, "requests in progress, each over a connection of its own")
	limit := flags.Duration("for", time.Hour, "when to stop, although there are more")
	isHTTP := flags.Bool("http", false, "over HTTP instead of gRPC")
	_ = flags.Parse(arguments)
	bodies := read(*file)

	var next, repeated atomic.Int64
	total := int64(len(bodies) * *repeat)
	began := time.Now()
	var senders sync.WaitGroup
	for range *atOnce {
		export := overGRPC(*to)
		if *isHTTP {
			export = overHTTP(*to)
		}
		senders.Go(func() {
			for time.Since(began) < *limit {
				number := next.Add(1) - 1
				if number >= total {
					return
				}
				body := bodies[number%int64(len(bodies))]
				err := export(body)
				for ; err == errBusy; err = export(body) {
					repeated.Add(1)
					time.Sleep(patience)
				}
				if err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	senders.Wait()
	answer(os.Stdout, sent{min(next.Load(), total), repeated.Load(), time.Since(began).Seconds()})
}

func read(file string) [][]byte {
	content, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var bodies [][]byte
	for len(content) > 0 {
		size := binary.BigEndian.Uint32(content)
		bodies = append(bodies, content[4:4+size])
		content = content[4+size:]
	}
	return bodies
}

func overGRPC(to string) func([]byte) error {
	connection, err := grpc.NewClient(to,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		log.Fatal(err)
	}
	return func(body []byte) error {
		var response []byte
		err := connection.Invoke(context.Background(), traces, &body, &response)
		if code := status.Code(err); code == codes.Unavailable || code == codes.ResourceExhausted {
			return errBusy
		}
		return err
	}
}

func overHTTP(to string) func([]byte) error {
	client := http.Client{Transport: &http.Transport{}}
	return func(body []byte) error {
		response, err := client.Post("http://"+to+"/v1/traces", "application/x-protobuf", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if response.StatusCode == http.StatusServiceUnavailable || response.StatusCode == http.StatusTooManyRequests {
			return errBusy
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %d: %s", response.StatusCode, text)
		}
		return err
	}
}

// received is what came to a sink: how many spans, and when a metric of each probe came first, in Unix nanoseconds.
type received struct {
	sync.Mutex
	Spans  int64            `json:"spans"`
	Probes map[string]int64 `json:"probes"`
}

var probe = regexp.MustCompile(`probe@\d+`)

func (r *received) take(body []byte, isTraces bool) {
	r.Lock()
	defer r.Unlock()
	if isTraces {
		r.Spans += count(body, 1, 2, 2) // resource spans, scope spans, spans
		return
	}
	for _, found := range probe.FindAll(body, -1) {
		if _, known := r.Probes[string(found)]; !known {
			r.Probes[string(found)] = time.Now().UnixNano()
		}
	}
}

// count returns how many messages there are at this path of field numbers.
func count(message []byte, path ...protowire.Number) (found int64) {
	if len(path) == 0 {
		return 1
	}
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			log.Fatal("a request is damaged")
		}
		message = message[size:]
		size = protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			log.Fatal("a request is damaged")
		}
		if number == path[0] && kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(message)
			found += count(inner, path[1:]...)
		}
		message = message[size:]
	}
	return found
}

func sink() {
	state := &received{Probes: map[string]int64{}}
	server := grpc.NewServer(
		grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(largest),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			method, _ := grpc.MethodFromServerStream(stream)
			var body []byte
			if err := stream.RecvMsg(&body); err != nil {
				return err
			}
			state.take(body, method == traces)
			return stream.SendMsg(&[]byte{})
		}))
	http.HandleFunc("GET /{$}", func(response http.ResponseWriter, _ *http.Request) {
		state.Lock()
		defer state.Unlock()
		answer(response, state)
	})
	http.HandleFunc("POST /v1/{signal}", func(response http.ResponseWriter, request *http.Request) {
		var content io.Reader = request.Body
		if request.Header.Get("Content-Encoding") == "gzip" {
			unpacked, err := gzip.NewReader(content)
			if err != nil {
				log.Fatal(err)
			}
			content = unpacked
		}
		body, err := io.ReadAll(content)
		if err != nil {
			log.Print(err)
			return
		}
		state.take(body, request.PathValue("signal") == "traces")
		response.Header().Set("Content-Type", "application/x-protobuf")
	})
	forGRPC, forHTTP := listen(), listen()
	fmt.Println(forGRPC.Addr(), forHTTP.Addr())
	go func() { log.Fatal(server.Serve(forGRPC)) }()
	log.Fatal(http.Serve(forHTTP, nil))
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func answer(to io.Writer, what any) {
	if err := json.NewEncoder(to).Encode(what); err != nil {
		log.Fatal(err)
	}
}
